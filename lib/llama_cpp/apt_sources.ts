/** One archive that a host installs packages from. */
export interface AptSource {
  /** Address of its root, such as `http://HOST/debian`. */
  readonly uri: string;
  /** Absolute paths of the keyrings that may sign it; empty if apt's default applies. */
  readonly signedBy: readonly string[];
  /** The archive's name for itself in its Release file, such as `Debian`; only apt knows it. */
  readonly label?: string;
}

/** What to hand to `apt-get indextargets --format` for {@linkcode parseIndexTargets}. */
export const INDEX_TARGET_FORMAT = "$(REPO_URI)\t$(LABEL)";

/** Reads what `apt-get indextargets` prints: the archives whose package lists the host has. */
export function parseIndexTargets(output: string): AptSource[] {
  const lines = new Set(output.split("\n").filter((line) => line.includes("\t")));
  return [...lines].map((line) => {
    const [uri, label] = line.split("\t");
    return { uri: uri!, signedBy: [], ...(label ? { label } : {}) };
  });
}

/**
 * Reads a `sources.list`: `deb [option=value …] URI suite component…`, one a line.
 *
 * @see https://manpages.debian.org/sources.list.5 "ONE-LINE-STYLE FORMAT"
 */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?([^\s#]+)\s+[^\s#]/.exec(line);
    if (!match) return [];
    const [, options = "", uri] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    return [{ uri: uri!, signedBy: keyringPaths(signedBy) }];
  });
}

/**
 * Reads a `.sources` file: stanzas of `Field: value`, continued on indented lines.
 *
 * @see https://manpages.debian.org/sources.list.5 "DEB822-STYLE FORMAT"
 */
export function parseDeb822Sources(text: string): AptSource[] {
  const withoutComments = text.split("\n").filter((line) => !line.startsWith("#")).join("\n");
  return withoutComments.split(/\n(?:[ \t]*\n)+/).flatMap((stanza) => {
    const fields = parseStanza(stanza);
    const isEnabled = !/^(no|false|without|off|disable|0)$/i.test(fields.get("enabled") ?? "");
    if (!isEnabled || !words(fields.get("types")).includes("deb")) return [];
    const signedBy = keyringPaths(fields.get("signed-by"));
    return words(fields.get("uris")).map((uri) => ({ uri, signedBy }));
  });
}

/**
 * The source that serves Debian's main archive, if the host has one: its label says `Debian` or its
 * path ends in `/debian`, as on every public mirror. Security and backports archives, snapshots of
 * one day, and CDs have no suite newer than the host's.
 */
export function chooseDebianMirror(sources: readonly AptSource[]): AptSource | undefined {
  return sources.find(({ uri, label }) => {
    if (!isMirrorUri(uri) || /\/\d{8}T\d{6}Z\b/.test(uri)) return false;
    // `mirror+file:/etc/apt/mirrors/debian.list` is what Debian's cloud images have
    return label === undefined ? /\/debian(\.list|\.txt)?\/?$/.test(uri) : label === "Debian";
  });
}

/** Whether a text can stand as the URI of an archive in a source list: a scheme that apt fetches by itself, no blanks. */
export function isMirrorUri(text: string): boolean {
  return /^(https?:\/\/|file:\/|copy:\/|mirror\+\w+:\/|tor\+https?:\/\/)[^\s[\]#]+$/.test(text);
}

function parseStanza(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [, name, value] of stanza.matchAll(/^([A-Za-z0-9-]+):(.*(?:\n[ \t].*)*)/gm)) {
    fields.set(name!.toLowerCase(), value!.trim());
  }
  return fields;
}

function words(value: string | undefined): string[] {
  return (value ?? "").split(/\s+/).filter(Boolean);
}

/** Fingerprints and keys that are written out in the source itself cannot be handed on as a path. */
function keyringPaths(value: string | undefined): string[] {
  return (value ?? "").split(/[\s,]+/).filter((path) => path.startsWith("/"));
}
