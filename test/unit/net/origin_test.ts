import { equal, throws } from "node:assert/strict";
import { originMatcher, parseOrigin } from "../../../lib/net/origin.ts";

for (
  const [text, want] of [
    ["http://chat.home:3000", "http://chat.home:3000"],
    [" HTTP://Chat.Home ", "http://chat.home"],
    ["http://chat.home:80", "http://chat.home"],
    ["https://chat.home:443", "https://chat.home"],
    ["http://chat.home:443", "http://chat.home:443"],
    ["http://[::1]:5", "http://[::1]:5"],
    ["http://*.home:*", "http://*.home:*"],
    ["chrome-extension://*", "chrome-extension://*"],
    ["file://", "file://"],
    ["null", "null"],
    ["*", "*"],
  ] as const
) {
  Deno.test(`parseOrigin() reads ${JSON.stringify(text)} as ${want}`, () => equal(parseOrigin(text), want));
}

for (
  const text of [
    "",
    "chat.home",
    "chat.home:3000",
    "http://",
    "http://:80",
    "http://chat.home/",
    "http://chat.home/path",
    "http://chat.home:port",
    "http://ada:secret@chat.home",
    "http://a b",
    "http://[::1",
    "//chat.home",
    "http://a|b",
    "http://\u043c.home",
    "**",
  ]
) {
  Deno.test(`parseOrigin() refuses ${JSON.stringify(text)} and says how to write it`, () => {
    throws(() => parseOrigin(text), {
      name: "RangeError",
      message: /is no origin; write scheme, host and port/,
    });
  });
}

for (
  const { pattern, yes, no } of [
    {
      pattern: "http://chat.home",
      yes: ["http://chat.home"],
      no: [
        "https://chat.home",
        "http://chat.home:81",
        "http://chatxhome",
        "http://chat.home.evil",
        "http://evil/http://chat.home",
        "http://chat.home\n",
        "",
        "null",
      ],
    },
    {
      pattern: "http://chat.home:*",
      yes: ["http://chat.home", "http://chat.home:1", "http://chat.home:65535"],
      no: ["http://chat.home:", "http://chat.home:1x", "http://chat.home:1.evil", "http://chat.home.evil:1"],
    },
    {
      pattern: "http://*.home",
      yes: ["http://chat.home", "http://x-1.home"],
      no: ["http://home", "http://.home", "http://a.b.home", "http://evil/.home", "http://chat.home:81"],
    },
    {
      pattern: "http://192.168.1.*:*",
      yes: ["http://192.168.1.7", "http://192.168.1.7:3000"],
      no: ["http://192.168.1.7.evil", "http://192.168.11.7", "https://192.168.1.7"],
    },
    {
      pattern: "http://pc*-**.home",
      yes: ["http://pc1-a.home"],
      no: ["http://pc-a.home", "http://pc1.home"],
    },
    { pattern: "http://[::1]:*", yes: ["http://[::1]", "http://[::1]:5"], no: ["http://[::2]", "http://:"] },
    {
      pattern: "http://*:3000",
      yes: ["http://chat:3000", "http://192.168.1.7:3000"],
      no: ["http://chat", "http://chat:3001", "http://chat:3000/", "http://:3000"],
    },
    { pattern: "https://*", yes: ["https://a", "https://a.b:4"], no: ["http://a", "xhttps://a"] },
    { pattern: "app://*", yes: ["app://", "app://obsidian.md"], no: ["apps://x", "http://app://x"] },
    { pattern: "file://", yes: ["file://"], no: ["file:///x", "null"] },
    { pattern: "null", yes: ["null"], no: ["nul", "http://null"] },
    { pattern: "*", yes: ["http://a:1", "null", "x://y"], no: [] },
  ]
) {
  Deno.test(`originMatcher() takes ${pattern} for what it says`, () => {
    const matches = originMatcher(["http://other", parseOrigin(pattern)]);
    for (const origin of ["http://other", ...yes]) equal(matches(origin), true, origin);
    for (const origin of no) equal(matches(origin), false, origin);
  });
}

Deno.test("originMatcher() of no patterns takes no page", () => {
  equal(originMatcher([])("http://a"), false);
});
