import { createHash } from "node:crypto";
import { join } from "node:path";
import metadata from "../../deno.json" with { type: "json" };
import head from "./portable_head.sh" with { type: "text" };
import { PERMISSION_FLAGS, SELF_CONTAINED_FLAGS, UNSTABLE_FLAGS } from "./project.ts";
import { run } from "./run.ts";

const RUN_FLAGS = [...SELF_CONTAINED_FLAGS, ...PERMISSION_FLAGS, ...UNSTABLE_FLAGS];

/** The same content gives the same bytes. */
const ARCHIVE =
  `tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go-w -C "$1" -cf - . |
  gzip -n >"$2"`;

/** As wide as the number of bytes before the archive, which is known last. */
const UNKNOWN_NUMBER = "00000";

/**
 * Makes one file that extracts and runs itself: a shell script, and behind it what a directory holds.
 *
 * @param content Holds `deno`, `start.js`, `sollol.js` and `LICENSES`.
 * @param machine What `uname -m` says where it runs.
 * @param path Of the file.
 */
export async function packPortable(content: string, machine: string, path: string): Promise<void> {
  const temporary = await Deno.makeTempDir({ prefix: "sollol-archive-" });
  try {
    const archived = join(temporary, "content.tar.gz");
    await run("sh", ["-c", ARCHIVE, "sh", content, archived]);
    const archive = await Deno.readFile(archived);
    const script = new TextEncoder().encode(fillHead(machine, archive, await sizeOf(content)));
    const unfinished = `${path}.new`;
    await Deno.writeFile(unfinished, new Blob([script, archive]).stream(), { mode: 0o755 });
    await Deno.rename(unfinished, path);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

function fillHead(machine: string, archive: Uint8Array<ArrayBuffer>, extractedBytes: number): string {
  const { version } = metadata;
  const hash = createHash("sha256").update(head).update(archive).digest("hex").slice(0, 12);
  const values: Record<string, string> = {
    VERSION: version,
    NAME: `sollol-${version}-${hash}`,
    MACHINE: machine,
    EXTRACTED_MIB: String(Math.ceil(extractedBytes / 2 ** 20)),
    FLAGS: RUN_FLAGS.join(" "),
    PAYLOAD_AT: UNKNOWN_NUMBER,
  };
  const fill = () => head.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => values[name]!);
  const headBytes = new TextEncoder().encode(fill()).length;
  values["PAYLOAD_AT"] = String(headBytes + 1).padEnd(UNKNOWN_NUMBER.length); // tail counts from 1
  return fill();
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for await (const { name } of Deno.readDir(directory)) {
    bytes += (await Deno.stat(join(directory, name))).size;
  }
  return bytes;
}
