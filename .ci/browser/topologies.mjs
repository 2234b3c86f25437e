// Topologies for the pages: a hundred servers, and one whose names are meant to do harm.

const standard = {
  remoteIPRanges: ["0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  authMechanism: "Tls, Integrated, BasicAuth, BasicAuthRequireTLS, ExchangeServer",
  permissionGroups: "ExchangeUsers, ExchangeServers, ExchangeLegacyServers",
};

function connector(server, name, transportRole, port, more = {}) {
  return { identity: `${server}\\${name}`, transportRole, bindings: [`0.0.0.0:${port}`, `[::]:${port}`], ...standard, ...more };
}

// Every seventh server has a relay that covers the others; every tenth is of 2010.
export function large(servers = 100) {
  const t = { servers: [], connectors: [] };
  for (let i = 1; i <= servers; i++) {
    const name = `EX${String(i).padStart(3, "0")}`, site = i <= servers / 2 ? 1 : 2, old = i % 10 === 0;
    t.servers.push({
      name, fqdn: `${name.toLowerCase()}.contoso.com`, site: `DC${site}`, dag: `DAG${1 + Math.floor(i / 25)}`, addresses: [`10.${site}.0.${10 + i}`],
      version: old ? "14.3" : "15.1", roles: old ? "Mailbox, ClientAccess, HubTransport" : "Mailbox",
    });
    if (old) {
      t.connectors.push(connector(name, `Default ${name}`, "HubTransport", 25));
    } else {
      t.connectors.push(connector(name, `Default Frontend ${name}`, "FrontendTransport", 25), connector(name, `Client Frontend ${name}`, "FrontendTransport", 587),
        connector(name, `Outbound Proxy Frontend ${name}`, "FrontendTransport", 717), connector(name, `Default ${name}`, "HubTransport", 2525),
        connector(name, `Client Proxy ${name}`, "HubTransport", 465));
    }
    if (i % 7 === 0) {
      const scanners = Array.from({ length: 60 }, (_, k) => `172.16.${i}.${k + 1}`);
      t.connectors.push(connector(name, "Relay", old ? "HubTransport" : "FrontendTransport", 25,
        { remoteIPRanges: ["10.0.0.0/8", ...scanners], authMechanism: "Tls", permissionGroups: "AnonymousUsers" }));
    }
  }
  return t;
}

// What a name may hold that a page must show and not obey.
export const attacks = [
  `<img src=x onerror=window.harmed=1>`, `"><script>window.harmed=1</script>`, `' onmouseover='window.harmed=1`, `</title></style></script><b id=harm>`,
  `{{.}}\${1}`, `javascript:window.harmed=1`, `&lt;i&gt;&amp;`, `שרת דואר 7`, `خادم البريد`, `a\u202eb\u0000c\u001b[31m`, `中文服务器名称`,
];

export function hostile() {
  const t = { servers: [], connectors: [], networks: [] };
  attacks.forEach((attack, i) => {
    const name = `S${i} ${attack}`.replace("\\", "");
    t.servers.push({ name, fqdn: `s${i}.contoso.com`, site: `site ${i % 2} ${attack}`, version: "14.3", roles: "Mailbox, HubTransport", addresses: [`10.0.${i % 2}.${i + 1}`] });
    t.connectors.push(connector(name, `Default ${attack}`, "HubTransport", 25),
      connector(name, `Relay ${attack}`, "HubTransport", 25, { remoteIPRanges: ["10.0.0.0/16"], authMechanism: "None", permissionGroups: "AnonymousUsers" }));
    t.networks.push({ name: `net ${attack}`, kind: "Partner", ranges: [`192.0.2.${i}`] });
  });
  return t;
}
