import { join } from "node:path";
import { PROJECT_DIRECTORY } from "./project.ts";
import { run } from "./run.ts";

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;
const RULE = "-".repeat(80);

/** What `deno info --json` tells of the packages behind a module. */
interface ModuleGraph {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Keys of other packages. */
  readonly dependencies: readonly string[];
  readonly localPath: string;
}

/**
 * The licences of all that a bundle of `main.ts` and Deno are made of, one after the other.
 *
 * @param denoLicence Deno's, as text.
 * @throws {Error} If a package has none.
 */
export async function collectLicences(denoLicence: string): Promise<string> {
  const own = await Deno.readTextFile(join(PROJECT_DIRECTORY, "LICENSE"));
  const packages = await bundledPackages();
  const theirs = await Promise.all(packages.map(async (one) => section(nameOf(one), await licenceOf(one))));
  return [section("sollol", own), section(`Deno ${Deno.version.deno}`, denoLicence), ...theirs].join("\n");
}

/** Packages that `main.ts` reaches, and those that these depend on, by name. */
export async function bundledPackages(): Promise<NpmPackage[]> {
  const graph: ModuleGraph = JSON.parse(
    await run(Deno.execPath(), ["info", "--json", "main.ts"], { cwd: PROJECT_DIRECTORY }),
  );
  const open = graph.modules.flatMap(({ npmPackage }) => npmPackage ?? []);
  const reached = new Set<string>();
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (reached.has(key)) continue;
    reached.add(key);
    open.push(...graph.npmPackages[key]!.dependencies);
  }
  return [...reached].sort().map((key) => graph.npmPackages[key]!);
}

async function licenceOf({ localPath, ...rest }: NpmPackage): Promise<string> {
  for await (const { name } of Deno.readDir(localPath)) {
    if (LICENCE_FILE.test(name)) return await Deno.readTextFile(join(localPath, name));
  }
  throw new Error(`Cannot ship ${nameOf({ localPath, ...rest })}: no licence lies in ${localPath}`);
}

function nameOf({ name, version }: NpmPackage): string {
  return `${name} ${version}`;
}

function section(title: string, text: string): string {
  return `${RULE}\n${title}\n${RULE}\n\n${text.trim()}\n`;
}
