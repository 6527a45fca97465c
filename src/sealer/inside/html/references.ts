/** The names of U+00A0 to U+00FF, in order (HTML 4.01 section 24.2.1). */
const latin =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  )

/** Those that browsers read without a semicolon, too. */
const short = new Map<string, string>([
  ...latin.map((name, i) => [name, String.fromCharCode(0xa0 + i)] as const),
  ...Object.entries({ amp: '&', AMP: '&', lt: '<', LT: '<', gt: '>', GT: '>', quot: '"', QUOT: '"' }),
  ...Object.entries({ copy: '\u00a9', COPY: '\u00a9', REG: '\u00ae' }),
])

/** What else is used in mail: of the 2,231 names, those of HTML 4.01 and of ASCII. Others stay as they are written. */
const long = new Map<string, string>([
  ...short,
  ...pairs(
    "apos ' Tab \t NewLine \n excl ! num # dollar $ percnt % lpar ( rpar ) ast * plus + comma , period . sol / colon : semi ; equals = quest ? commat @ lsqb [ lbrack [ bsol \\ rsqb ] rbrack ] Hat ^ lowbar _ grave ` lcub { lbrace { verbar | vert | rcub } rbrace } NonBreakingSpace \u00a0 frac13 \u2153 frac23 \u2154 frac15 \u2155 frac25 \u2156 frac35 \u2157 frac45 \u2158 frac16 \u2159 frac56 \u215a frac18 \u215b frac38 \u215c frac58 \u215d frac78 \u215e half \u00bd",
  ),
  ...pairs(
    'OElig \u0152 oelig \u0153 Scaron \u0160 scaron \u0161 Yuml \u0178 fnof \u0192 circ \u02c6 tilde \u02dc ensp \u2002 emsp \u2003 thinsp \u2009 hairsp \u200a numsp \u2007 puncsp \u2008 ZeroWidthSpace \u200b zwnj \u200c zwj \u200d lrm \u200e rlm \u200f hyphen \u2010 dash \u2010 ndash \u2013 mdash \u2014 horbar \u2015 lsquo \u2018 rsquo \u2019 sbquo \u201a ldquo \u201c rdquo \u201d bdquo \u201e dagger \u2020 Dagger \u2021 bull \u2022 bullet \u2022 hellip \u2026 mldr \u2026 permil \u2030 prime \u2032 Prime \u2033 lsaquo \u2039 rsaquo \u203a oline \u203e frasl \u2044 euro \u20ac image \u2111 weierp \u2118 real \u211c trade \u2122 alefsym \u2135 numero \u2116 check \u2713 cross \u2717',
  ),
  ...pairs(
    'larr \u2190 uarr \u2191 rarr \u2192 darr \u2193 harr \u2194 crarr \u21b5 lArr \u21d0 uArr \u21d1 rArr \u21d2 dArr \u21d3 hArr \u21d4 forall \u2200 part \u2202 exist \u2203 empty \u2205 nabla \u2207 isin \u2208 notin \u2209 ni \u220b prod \u220f sum \u2211 minus \u2212 lowast \u2217 radic \u221a prop \u221d infin \u221e ang \u2220 and \u2227 or \u2228 cap \u2229 cup \u222a int \u222b there4 \u2234 sim \u223c cong \u2245 asymp \u2248 ne \u2260 equiv \u2261 le \u2264 ge \u2265 sub \u2282 sup \u2283 nsub \u2284 sube \u2286 supe \u2287 oplus \u2295 otimes \u2297 perp \u22a5 sdot \u22c5 loz \u25ca spades \u2660 clubs \u2663 hearts \u2665 diams \u2666',
  ),
  ...'Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho  Sigma Tau Upsilon Phi Chi Psi Omega'
    .split(' ')
    .flatMap((name, i): [string, string][] => [
      [name, String.fromCharCode(0x391 + i)],
      [name.toLowerCase(), String.fromCharCode(0x3b1 + i)],
    ]),
  ['sigmaf', '\u03c2'],
])

/** What the numbers 128 to 159 mean: characters of windows-1252 (WHATWG HTML, section 13.2.5.80). */
const windows =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178'

/**
 * Character references of HTML as their characters. In attributes a name counts with its semicolon only, for addresses are full of
 * `&copy=`.
 */
export function decodeReferences(text: string, within: 'text' | 'attribute' = 'text'): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d+);?|#[xX]([0-9A-Fa-f]+);?|([A-Za-z][A-Za-z0-9]*)(;?))/g,
    (whole: string, decimal?: string, hex?: string, name: string = '', semicolon: string = '') => {
      if (decimal !== undefined) return character(Number(decimal))
      if (hex !== undefined) return character(Number.parseInt(hex, 16))
      const known = semicolon === ';' ? long.get(name) : undefined
      if (known !== undefined) return known
      if (within === 'attribute') return whole
      for (let length = Math.min(name.length, 6); length > 1; length--) {
        const begun = short.get(name.slice(0, length))
        if (begun !== undefined) return begun + name.slice(length) + semicolon
      }
      return whole
    },
  )
}

function character(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd'
  return code >= 128 && code < 160 ? (windows[code - 128] ?? '\ufffd') : String.fromCodePoint(code)
}

function pairs(list: string): [string, string][] {
  const parts = list.split(' ')
  return parts.flatMap((part, i): [string, string][] => (i % 2 === 0 ? [[part, parts[i + 1] ?? '']] : []))
}
