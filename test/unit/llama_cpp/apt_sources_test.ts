import { deepEqual, equal } from "node:assert/strict";
import {
  chooseDebianMirror,
  isMirrorUri,
  parseDeb822Sources,
  parseIndexTargets,
  parseOneLineSources,
} from "../../../lib/llama_cpp/apt_sources.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

for (
  const { name, text, want } of [
    {
      name: "a plain line",
      text: "deb http://m/debian trixie main contrib\n",
      want: [{ uri: "http://m/debian", signedBy: [] }],
    },
    {
      name: "options, blanks and a trailing comment",
      text: `  deb   [ arch=amd64,arm64 signed-by=${KEYRING} ]  https://m/debian/ trixie main # the main one`,
      want: [{ uri: "https://m/debian/", signedBy: [KEYRING] }],
    },
    {
      name: "two keyrings, and no fingerprint among them",
      text: "deb [signed-by=/a.gpg,0123456789ABCDEF,/b.gpg] http://m/debian trixie main",
      want: [{ uri: "http://m/debian", signedBy: ["/a.gpg", "/b.gpg"] }],
    },
    {
      name: "no disabled line",
      text: "# deb http://m/debian trixie main\n#deb http://n/debian x main",
      want: [],
    },
    { name: "no source packages", text: "deb-src http://m/debian trixie main\n", want: [] },
    { name: "nothing in garbage", text: "deb\ndeb http://m/debian\n\u0000\u0001\n[]\n", want: [] },
  ]
) {
  Deno.test(`parseOneLineSources() reads ${name}`, () => deepEqual(parseOneLineSources(text), want));
}

for (
  const { name, text, want } of [
    {
      name: "two stanzas with comments and several addresses",
      text: `Types: deb deb-src\n# a snapshot was here\nURIs: http://m/debian http://n/debian\n` +
        `Suites: trixie\nComponents: main\nSigned-By: ${KEYRING}\n\n \nTypes: deb\nURIs: http://o/sec\nSuites: s\n`,
      want: [
        { uri: "http://m/debian", signedBy: [KEYRING] },
        { uri: "http://n/debian", signedBy: [KEYRING] },
        { uri: "http://o/sec", signedBy: [] },
      ],
    },
    {
      name: "addresses on continued lines, and field names in any case",
      text: "types: deb\nuris:\n http://m/debian\n http://n/debian\nsuites: trixie\n",
      want: [{ uri: "http://m/debian", signedBy: [] }, { uri: "http://n/debian", signedBy: [] }],
    },
    {
      name: "no disabled stanza",
      text: "Enabled: no\nTypes: deb\nURIs: http://m/debian\nSuites: x\n",
      want: [],
    },
    {
      name: "an enabled stanza",
      text: "Enabled: yes\nTypes: deb\nURIs: http://m/debian\nSuites: x\n",
      want: [{ uri: "http://m/debian", signedBy: [] }],
    },
    { name: "no source packages", text: "Types: deb-src\nURIs: http://m/debian\nSuites: x\n", want: [] },
    {
      name: "a key that is written out, which is no path",
      text:
        "Types: deb\nURIs: http://m/debian\nSuites: x\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ/In\n",
      want: [{ uri: "http://m/debian", signedBy: [] }],
    },
    { name: "nothing in garbage", text: ":::\n\n\n \u0000 Types deb", want: [] },
  ]
) {
  Deno.test(`parseDeb822Sources() reads ${name}`, () => deepEqual(parseDeb822Sources(text), want));
}

Deno.test("parseIndexTargets() reads each archive once and drops what apt warns", () => {
  const output =
    "http://m/debian/\tDebian\nhttp://m/debian/\tDebian\nhttp://s/\tDebian-Security\nhttp://o/\t\nW: old\n";
  deepEqual(parseIndexTargets(output), [
    { uri: "http://m/debian/", signedBy: [], label: "Debian" },
    { uri: "http://s/", signedBy: [], label: "Debian-Security" },
    { uri: "http://o/", signedBy: [] },
  ]);
});

for (
  const { name, sources, want } of [
    {
      name: "the archive by its path",
      sources: ["http://x/repo", "http://m/debian"],
      want: "http://m/debian",
    },
    {
      name: "a path with a slash at its end",
      sources: ["https://m/pub/debian/"],
      want: "https://m/pub/debian/",
    },
    {
      name: "a mirror list as in Debian's cloud images",
      sources: ["mirror+file:/etc/apt/mirrors/debian.list"],
      want: "mirror+file:/etc/apt/mirrors/debian.list",
    },
    { name: "an archive on disk", sources: ["file:/srv/debian"], want: "file:/srv/debian" },
    { name: "no CD", sources: ["cdrom:[Debian_12]/debian"], want: undefined },
    {
      name: "no security archive",
      sources: ["http://m/debian-security", "mirror+file:/etc/apt/mirrors/debian-security.list"],
      want: undefined,
    },
    {
      name: "no archive of Ubuntu",
      sources: ["http://m/ubuntu", "http://ppa/debian-like/x"],
      want: undefined,
    },
    { name: "nothing on a host without sources", sources: [], want: undefined },
  ]
) {
  Deno.test(`chooseDebianMirror() finds ${name}`, () => {
    equal(chooseDebianMirror(sources.map((uri) => ({ uri, signedBy: [] })))?.uri, want);
  });
}

Deno.test("chooseDebianMirror() believes a label more than a path, and takes no snapshot of one day", () => {
  const choose = (uri: string, label: string) => chooseDebianMirror([{ uri, label, signedBy: [] }])?.uri;
  equal(choose("http://cache/apt-remote/", "Debian"), "http://cache/apt-remote/");
  equal(choose("http://m/debian", "Raspbian"), undefined);
  equal(choose("http://s/archive/debian/20260520T000000Z/", "Debian"), undefined);
});

Deno.test("isMirrorUri() refuses what would add options, suites or lines to a source list", () => {
  for (
    const bad of [
      "",
      "m/debian",
      "http://",
      "http://m/debian sid",
      "http://m/debian\ndeb x",
      "http://[x]/",
      "cdrom:/x",
    ]
  ) {
    equal(isMirrorUri(bad), false, bad);
  }
  for (
    const good of [
      "http://m/debian",
      "https://u:p@m:1/debian/",
      "file:/srv/debian",
      "tor+http://x.onion/debian",
    ]
  ) {
    equal(isMirrorUri(good), true, good);
  }
});
