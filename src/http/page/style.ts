import { createHash } from 'node:crypto'

/**
 * The one stylesheet, in every page. Colours have a contrast of at least 4.5:1 in both schemes (WCAG 2.2, 1.4.3), nothing
 * is said by colour alone, targets are at least 44 px high, and 320 px of width are enough (1.4.10).
 */
export const style = `
:root{color-scheme:light dark;--text:#1c2430;--soft:#55606e;--ground:#f5f6f8;--card:#fff;--line:#c9d0d9;--accent:#0b5cad;
--on-accent:#fff;--good:#1b6b3a;--warn:#8a5200;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--text:#e6eaf0;--soft:#a9b4c2;--ground:#12161c;--card:#1b212a;--line:#3b4654;
--accent:#8ab8f5;--on-accent:#0b1a2b;--good:#7fd19b;--warn:#f0b866;--bad:#ff9d94}}
*{box-sizing:border-box}
html{font:100%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);overflow-wrap:anywhere}
.site{background:var(--card);border-bottom:1px solid var(--line)}
.site>div,main,.foot{max-width:46rem;margin:0 auto;padding:1rem}
.wide .site>div,.wide main,.wide .foot{max-width:64rem}
.site>div{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:center}
.brand{font-weight:650}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:0;padding:0}
nav a{display:inline-block;padding:.4rem 0}
.foot{color:var(--soft);font-size:.9rem;padding-bottom:2.5rem}
h1{font-size:1.6rem;line-height:1.25;margin:.75rem 0 1rem}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 .6rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p,ul,ol,dl,form{margin:0 0 .9rem}
a{color:var(--accent)}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1.1rem;margin:0 0 1rem}
.card>:last-child{margin-bottom:0}
.card>h3:first-child{margin-top:0}
.soft{color:var(--soft)}
.say{border:1px solid var(--line);border-left:.4rem solid var(--accent);background:var(--card);border-radius:.4rem;
padding:.9rem 1rem;margin:0 0 1rem}
.say>:last-child{margin-bottom:0}
.good{border-left-color:var(--good)}.warn{border-left-color:var(--warn)}.bad{border-left-color:var(--bad)}
.steps{list-style:none;padding:0;counter-reset:s}
.steps li{counter-increment:s;position:relative;padding:.3rem 0 .3rem 2.4rem}
.steps li::before{content:counter(s);position:absolute;left:0;top:.28rem;width:1.65rem;height:1.65rem;border-radius:50%;
border:2px solid var(--line);text-align:center;line-height:1.45rem;font-size:.9rem;color:var(--soft)}
.steps li[aria-current]{font-weight:650}
.steps li[aria-current]::before{border-color:var(--accent);color:var(--accent)}
.steps .done::before{content:"\\2713";border-color:var(--good);color:var(--good)}
.steps .done{color:var(--soft)}
legend{padding:0}
label,legend{font-weight:600;display:block;margin:0 0 .3rem}
fieldset{border:0;margin:0 0 1rem;padding:0;min-width:0}
.field{margin:0 0 1.1rem}
.hint{color:var(--soft);font-size:.92rem;margin:0 0 .35rem;font-weight:400}
input,textarea,select{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.4rem;
padding:.6rem .7rem;width:100%;min-height:2.75rem}
input[type=radio]{width:1.25rem;height:1.25rem;min-height:0;margin:0;flex:none;accent-color:var(--accent)}
.choice{padding:.2rem 0;display:flex;gap:.6rem;align-items:center;font-weight:400;min-height:2.75rem;margin:0}
textarea{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;font-size:.85rem;min-height:9rem}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.55rem 1.2rem;border-radius:.4rem;cursor:pointer;
border:1px solid var(--accent);background:var(--accent);color:var(--on-accent);max-width:100%}
button.second{background:transparent;color:var(--accent)}
button.danger{background:transparent;border-color:var(--bad);color:var(--bad)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.acts{display:flex;flex-wrap:wrap;gap:.7rem;margin:0 0 .9rem}
.acts form{margin:0}.site form{margin:0 0 0 auto}
.site button{min-height:2.25rem;padding:.25rem .8rem}
code,.print{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace}
.print{display:grid;grid-template-columns:repeat(auto-fill,minmax(4.2rem,1fr));gap:.35rem .6rem;list-style:none;padding:.8rem;
margin:0 0 .9rem;background:var(--ground);border:1px solid var(--line);border-radius:.4rem;font-size:1.05rem;
letter-spacing:.04em}
.lines{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,monospace;font-size:.85rem;white-space:pre-wrap}
.words{grid-template-columns:repeat(auto-fill,minmax(6.4rem,1fr));font-size:.95rem;letter-spacing:0}
.facts{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.35rem 1.1rem}
.facts dt{color:var(--soft)}.facts dd{margin:0}
@media(max-width:30rem){.facts{grid-template-columns:1fr;gap:0}.facts dd{margin:0 0 .6rem}}
.list{list-style:none;padding:0}
.list li{border-top:1px solid var(--line);padding:.7rem 0}
.list li:first-child{border-top:0;padding-top:0}.list li:last-child{padding-bottom:0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:0 1.2rem;align-items:end}
details{margin:0 0 .9rem}
summary{cursor:pointer;min-height:2rem;color:var(--accent);font-weight:600}
@media(prefers-reduced-motion:no-preference){button{transition:filter .15s}button:hover{filter:brightness(1.08)}}
`

/** How a page's content security policy names the stylesheet. */
export const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`
