import { deepEqual, throws } from "node:assert/strict";
import { readableLines } from "../../../systemd/readable_lines.ts";

for (
  const { name, paths, want } of [
    { name: "hides homes", paths: [], want: ["ProtectHome=yes"] },
    {
      name: "shows what is wanted of a home alone",
      paths: [{ path: "/home/ann/.ollama/models" }],
      want: ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/ann/.ollama/models"],
    },
    {
      name: "empties a closed directory once, whatever is shown of it",
      paths: [
        { path: "/usr/share/ollama/.ollama/models", closedBy: "/usr/share/ollama" },
        { path: "/usr/share/ollama/more models", closedBy: "/usr/share/ollama" },
      ],
      want: [
        "ProtectHome=yes",
        "TemporaryFileSystem=/usr/share/ollama:ro",
        "BindReadOnlyPaths=-/usr/share/ollama/.ollama/models",
        'BindReadOnlyPaths=-"/usr/share/ollama/more models"',
      ],
    },
    {
      name: "has homes hidden already",
      paths: [{ path: "/home/ann/.ollama/models", closedBy: "/home/ann" }],
      want: ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/ann/.ollama/models"],
    },
    {
      name: "knows a home from what is only called like one",
      paths: [{ path: "/homes/ann" }, { path: "/srv/root/x" }],
      want: ["ProtectHome=yes", "BindReadOnlyPaths=-/homes/ann", "BindReadOnlyPaths=-/srv/root/x"],
    },
    {
      name: "keeps a colon in a path",
      paths: [{ path: "/root/a:b" }],
      want: ["ProtectHome=tmpfs", 'BindReadOnlyPaths=-"/root/a:b"'],
    },
  ]
) {
  Deno.test(`readableLines() ${name}`, () => deepEqual(readableLines(paths), want));
}

for (
  const { name, path } of [
    { name: "a relative path", path: { path: "models" } },
    { name: "a path with a line break", path: { path: "/home/a\n[Service]" } },
    { name: "a closed directory with a colon", path: { path: "/srv/a:b/c", closedBy: "/srv/a:b" } },
    { name: "a closed directory with a backslash", path: { path: "/srv/a\\b/c", closedBy: "/srv/a\\b" } },
  ]
) {
  Deno.test(`readableLines() refuses ${name}`, () => throws(() => readableLines([path]), RangeError));
}
