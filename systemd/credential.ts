import { absolute, verbatim } from "./quote.ts";

/** A secret that systemd reads as root and hands to the service, as `$CREDENTIALS_DIRECTORY/NAME`. */
export interface Credential {
  /** Of letters, digits, dots, hyphens and underscores. */
  readonly name: string;
  /** Absolute path of the file. */
  readonly path: string;
}

/**
 * The lines that hand them over. systemd reads them when the service starts; a new secret needs a restart.
 *
 * @throws {RangeError} If a name is none, a path is not absolute, or no unit can hold it.
 */
export function credentialLines(credentials: readonly Credential[]): string[] {
  return credentials.map(({ name, path }) => {
    if (!/^[\w-][\w.-]{0,99}$/.test(name)) {
      throw new RangeError(
        `Cannot name a credential ${
          JSON.stringify(name.slice(0, 80))
        }: write letters, digits, dots, hyphens and _`,
      );
    }
    const what = `the path of the credential ${name}`;
    return `LoadCredential=${name}:${verbatim(absolute(path, what), what)}`; // not unquoted there
  });
}
