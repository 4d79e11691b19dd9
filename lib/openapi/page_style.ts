/** How the page looks, by day and by night. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: color-mix(in srgb, currentColor 65%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin: 2.5rem 0 .25rem; }
h4 { margin: 1rem 0 .25rem; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
code { font: .93em ui-monospace, monospace; overflow-wrap: anywhere; }
nav a { margin-right: 1rem; white-space: nowrap; }
details { border-left: 2px solid var(--line); padding-left: .75rem; margin: .35rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
dl { margin: .25rem 0; }
dt { margin-top: .35rem; }
dd { margin-left: 1.25rem; }
dt span, small, .access { color: var(--dim); }
b.get, b.head { color: light-dark(#06609e, #6cb6ff); }
b.post, b.put { color: light-dark(#156b2c, #6bd968); }
b.delete { color: light-dark(#a3261c, #ff938a); }
:target { scroll-margin-top: 3rem; background: var(--line); }
`;
