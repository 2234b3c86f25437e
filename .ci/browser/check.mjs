// Makes pages with the example programs, which are in the folder that is named, and looks at them in Chromium.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { attacks, hostile, large } from "./topologies.mjs";

const dir = resolve(process.argv[2]), shots = process.env.SHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const problems = [];
const check = (page, ok, what) => ok || problems.push(`${page}: ${what}`);

// make runs a program, whose exit status 1 says that something was found.
function make(page, program, ...args) {
  const file = join(dir, page + ".html");
  try {
    execFileSync(join(dir, program), ["-format", "html", "-o", file, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  } catch (e) {
    if (e.status !== 1) throw new Error(`${page}: ${program} ended with ${e.status}: ${e.stderr}`);
  }
  return page;
}

const input = (name, text) => {
  const file = join(dir, name);
  writeFileSync(file, typeof text === "string" ? text : JSON.stringify(text));
  return file;
};
const story = input("story.json", execFileSync(join(dir, "rcaudit"), ["-topology"], { encoding: "utf8" }));
const many = input("large.json", large()), nasty = input("hostile.json", hostile());
const log = input("RECV20261120-1.LOG", [["EX01\\Relay", 1, "10.2.0.11"], ["EX01\\Relay", 2, "10.0.5.7"], ["<b>Relay</b>", 3, "10.0.5.8"]].flatMap(([name, n, remote]) => [
  `2026-11-20T08:0${n}:00.000Z,${name},08DE28000000000${n},0,10.1.0.11:25,${remote}:50001,+,,`,
  `2026-11-20T08:0${n}:01.000Z,${name},08DE28000000000${n},1,10.1.0.11:25,${remote}:50001,-,,Local`]).join("\n") + "\n");
const cases = input("expect.txt", "EX03 *:25 EX01 -> EX03\\Default EX03, authenticated\nflow * * Mail -> passes\nno finding RC001\n");
const fix = "Set-ReceiveConnector 'EX01\\Default EX01' -RemoteIPRanges @{Add='10.2.0.11','10.2.0.12'}";

const pages = [
  make("story", "rcaudit"),
  make("flows", "rcaudit", "-flows", story),
  make("plan", "rcaudit", "-plan", story),
  make("diagnosis", "rcaudit", "-error", "451 5.7.3 Cannot achieve Exchange Server authentication", story),
  make("hardening", "rcaudit", "-hardening", story),
  make("checks", "rcaudit", "-list"),
  make("select", "rcselect", "-server", "EX01", "-remote", "10.2.0.11", story),
  make("range", "rcselect", "-server", "EX01", "-remote", "10.0.0.0/7", story),
  make("peer", "rcselect", "-server", "EX01", "-remote", "10.2.0.11", "-peer", "anonymous", story),
  make("change", "rcwhatif", story, "--", fix),
  make("replay", "rcreplay", "-config", story, "-change", fix, log),
  make("tests", "rctest", "-cover", story, cases),
  make("hostile", "rcaudit", nasty),
  make("hostileflows", "rcaudit", "-flows", nasty),
  make("large", "rcaudit", many),
];

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// open opens a page; whatever it says on the console, or asks the network for, is a problem.
async function open(name, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (m) => problems.push(`${name}: console: ${m.text()}`));
  page.on("pageerror", (e) => problems.push(`${name}: error: ${e.message}`));
  const url = pathToFileURL(join(dir, name + ".html")).href;
  page.on("request", (r) => check(name, r.url().startsWith(url), `asks for ${r.url()}`));
  await page.goto(url);
  return page;
}

async function shot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, name + ".png"), fullPage: true });
}

for (const name of pages) {
  for (const colorScheme of name === "large" ? ["light"] : ["light", "dark"]) {
    const page = await open(name, { colorScheme });
    await page.evaluate(axe); // cells that are tiny, so that thousands can be seen together, are in a list as well
    const result = await page.evaluate(() => globalThis.axe.run({ exclude: [".matrix.tiny tbody", ".map:nth-of-type(n+4)"] }, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    for (const v of result.violations) problems.push(`${name} ${colorScheme}: ${v.id}: ${v.help}: ${v.nodes.length} times, first ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary ?? ""}`);
    check(name, (await page.locator("main").innerText()).trim().length > 40, "shows nothing");
    await shot(page, `${name}-${colorScheme}`);
    await page.context().close();
  }
  const narrow = await open(name, { viewport: { width: 400, height: 800 } });
  check(name, await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "is wider than a telephone");
  await shot(narrow, `${name}-narrow`);
  await narrow.context().close();
}

// Without a script everything can be read, and a cell opens its witness and closes it.
const bare = await open("story", { javaScriptEnabled: false });
check("story", (await bare.locator("body").innerText()).includes("Mail between servers fails: 8 of 8 required flows"), "has no verdict without a script");
check("story", await bare.locator("pre.command").first().isVisible(), "has no commands without a script");
await bare.context().close();

const page = await open("story");
check("story", (await page.locator(".witness:visible").count()) === 0, "shows witnesses that nobody asked for");
await page.locator(".matrix td.bad a").first().focus();
await page.keyboard.press("Enter");
const witness = page.locator(".witness:visible");
check("story", (await witness.count()) === 1 && (await witness.innerText()).includes("451 5.7.3 Cannot achieve Exchange Server authentication"), "does not open the witness of a cell by keyboard");
await page.keyboard.press("Tab");
check("story", await page.evaluate(() => document.activeElement.className === "close"), "does not go on from an opened witness to its end");
await page.keyboard.press("Enter");
check("story", (await page.locator(".witness:visible").count()) === 0, "does not close a witness by keyboard");
const command = page.locator("pre.command").first(), copy = page.locator("button.copy").first();
await copy.click();
await page.waitForFunction(() => /^(Copied|Selected)$/.test(document.querySelector("button.copy").textContent));
check("story", (await command.innerText()).trim().startsWith("Set-ReceiveConnector -Identity 'EX01\\Default EX01'"), "has another first command");
await page.emulateMedia({ media: "print" });
check("story", !(await page.locator("nav").isVisible()) && !(await copy.isVisible()), "prints what is for the screen only");
check("story", (await page.locator(".witness.bad:visible").count()) > 0, "does not print why flows fail");
check("story", (await page.pdf()).length > 10000, "cannot be printed");
await page.context().close();

// Names are shown as they are, and nothing in them is obeyed.
for (const name of ["hostile", "hostileflows"]) {
  const page = await open(name);
  const body = await page.locator("body").innerText();
  for (const attack of attacks.filter((a) => !/[\u0000-\u001f\u202e]/.test(a))) check(name, body.includes(attack), `does not show ${attack}`);
  check(name, body.includes("\\u202e") && body.includes("\\u001b"), "hides what cannot be seen");
  check(name, await page.evaluate(() => globalThis.harmed === undefined && !document.querySelector("#harm, main img, main script, main b, main style, [onmouseover], [onerror], [href^=javascript]")), "obeys a name");
  check(name, await page.evaluate(() => [...document.querySelectorAll("bdi")].some((b) => b.textContent.includes("שרת דואר"))), "does not set right-to-left names apart");
  await page.context().close();
}

await browser.close();
for (const p of problems) console.error(p);
if (problems.length > 0) process.exit(1);
console.log(`${pages.length} pages are well`);
