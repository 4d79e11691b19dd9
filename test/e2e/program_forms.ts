import { join } from "node:path";
import { bundle } from "../build/bundle.ts";
import { compile } from "../build/compile.ts";
import { PLATFORMS } from "../build/deno_runtime.ts";
import { buildPortable } from "../build/portable.ts";
import { SELF_CONTAINED_FLAGS, UNSTABLE_FLAGS } from "../build/project.ts";
import { SOURCE } from "./program.ts";

/** A form that people get sollol in. */
export interface ProgramForm {
  readonly name: string;
  /** Starts it, without arguments; or why it cannot be had here. */
  readonly command: readonly string[] | { readonly skip: string };
}

/** All forms, built anew from this tree in a directory of their own. Disposal removes it. */
export class ProgramForms implements AsyncDisposable {
  private constructor(
    private readonly directory: string,
    /** Path of the bundle. */
    readonly bundled: string,
    /** Path of the portable file; `undefined` on systems that have none. */
    readonly portable: string | undefined,
    /** Where the portable file extracts itself, if told by `SOLLOL_PORTABLE_DIR`. */
    readonly portableDirectory: string,
    readonly all: readonly ProgramForm[],
  ) {}

  /** Builds them: some 10 s. */
  static async build(): Promise<ProgramForms> {
    await using unfinished = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir({ prefix: "sollol-forms-" });
    unfinished.defer(() => Deno.remove(directory, { recursive: true }));
    const bundled = await bundle(directory);
    const platform = PLATFORMS.find(({ target }) => target === Deno.build.target);
    const portable = platform && await buildPortable(bundled, platform, directory);
    const all: ProgramForm[] = [
      { name: "the source", command: SOURCE },
      { name: "the bundle", command: runBundle(bundled) },
      {
        name: "the portable file",
        command: portable ? [portable] : { skip: "there is none for this system" },
      },
      { name: "the executable", command: await tryToCompile(bundled, join(directory, "sollol")) },
    ];
    unfinished.move();
    return new ProgramForms(directory, bundled, portable, join(directory, "extracted"), all);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

function runBundle(bundled: string): readonly string[] {
  return [Deno.execPath(), "run", "--allow-all", ...SELF_CONTAINED_FLAGS, ...UNSTABLE_FLAGS, bundled];
}

/** Only with a runtime that somebody names: tests fetch no programs. */
async function tryToCompile(bundled: string, path: string): Promise<ProgramForm["command"]> {
  const denort = Deno.env.get("DENORT_BIN");
  if (denort === undefined) return { skip: "DENORT_BIN names no denort" };
  await compile(bundled, path, { target: Deno.build.target, denort });
  return [path];
}
