package psexport

import (
	"unicode"
	"unicode/utf8"
)

// codePage is a single-byte encoding that Windows shells write when they redirect: the low half is ASCII.
type codePage struct {
	name string
	high []rune // what the bytes from 0x80 on mean; U+FFFD where they mean nothing
}

// codePages are the ones that are told apart, the more likely before the less. Those of Windows come from Export-Csv and
// Out-File with -Encoding Default, the OEM ones from cmd.exe.
var codePages = [...]codePage{
	{"Windows-1252 (Western European)",
		[]rune("€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ" +
			"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿" +
			"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß" +
			"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ")},
	{"OEM 850 (Western European)",
		[]rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ" +
			"áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐" +
			"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀" +
			"ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0")},
	{"Windows-1250 (Central European)",
		[]rune("€\ufffd‚\ufffd„…†‡\ufffd‰Š‹ŚŤŽŹ\ufffd‘’“”•–—\ufffd™š›śťžź" +
			"\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż" +
			"ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß" +
			"ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙")},
	{"OEM 852 (Central European)",
		[]rune("ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č" +
			"áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐" +
			"└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀" +
			"ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0")},
	{"Windows-1251 (Cyrillic)",
		[]rune("ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\ufffd™љ›њќћџ" +
			"\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї" +
			"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ" +
			"абвгдежзийклмнопрстуфхцчшщъыьэюя")},
	{"OEM 866 (Cyrillic)",
		[]rune("АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ" +
			"абвгдежзийклмноп░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
			"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
			"рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u00a0")},
}

// guessCodePage returns the page under which b looks most like words. A single letter is often the same in several pages, so
// this is a guess, and the reader warns of it. Property names and addresses are ASCII and not concerned.
func guessCodePage(b []byte) *codePage {
	best, most := &codePages[0], 0
	for i := range codePages {
		if score := codePages[i].plausibility(b); i == 0 || score > most {
			best, most = &codePages[i], score
		}
	}
	return best
}

func (p *codePage) rune(b byte) rune {
	if b < utf8.RuneSelf {
		return rune(b)
	}
	return p.high[b-utf8.RuneSelf]
}

// plausibility rates b as text of the page: letters inside words count for it; symbols inside words, capitals behind small
// letters, runs of accented letters, two scripts in one word and undefined bytes count against it.
func (p *codePage) plausibility(b []byte) (score int) {
	at := func(i int) rune {
		if i < 0 || i >= len(b) {
			return ' '
		}
		return p.rune(b[i])
	}
	for i, c := range b {
		if c < utf8.RuneSelf {
			continue
		}
		before, r, after := at(i-1), at(i), at(i+1)
		inWord := unicode.IsLetter(before) || unicode.IsLetter(after)
		switch {
		case r == utf8.RuneError:
			score -= 5
		case !unicode.IsLetter(r):
			if inWord {
				score -= 2
			}
		case !inWord:
		case unicode.IsUpper(r) && unicode.IsLower(before), mixed(r, before), mixed(r, after):
			score -= 2
		case unicode.Is(unicode.Latin, r) && (before >= utf8.RuneSelf || after >= utf8.RuneSelf):
			score--
		default:
			score += 2
		}
	}
	return score
}

// mixed tells whether two letters that follow each other are of different scripts.
func mixed(a, b rune) bool {
	return unicode.IsLetter(a) && unicode.IsLetter(b) && unicode.Is(unicode.Latin, a) != unicode.Is(unicode.Latin, b)
}
