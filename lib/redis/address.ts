/** What Redis is shown; `AUTH` sends it. */
export interface RedisCredentials {
  /** `undefined` for Redis' default user. */
  readonly username: string | undefined;
  /** As it is, not percent-encoded. */
  readonly password: string;
}

const DEFAULT_PORT = 6379;
const HOW =
  "write redis://host:port, redis://:password@host:port or redis://user:password@host:port/database";

/** Where a Redis is, and how it is entered. Written as text or JSON it shows no credentials. */
export class RedisAddress {
  /** Host name or IP address; IPv6 without brackets. */
  readonly hostname: string;
  /** TCP port. */
  readonly port: number;
  /** Number of the database, 0 unless said. */
  readonly database: number;
  readonly #credentials: RedisCredentials | undefined;

  private constructor(url: URL) {
    this.hostname = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
    this.port = Number(url.port || DEFAULT_PORT);
    this.database = Number(url.pathname.slice(1));
    this.#credentials = credentialsOf(url);
  }

  /**
   * Reads `redis://[[user]:password@]host[:port][/database]`.
   *
   * @throws {RangeError} If it is no such URL. The message repeats nothing of it: it may hold a password.
   */
  static parse(text: string): RedisAddress {
    const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
    const fault = url ? faultOf(url) : "it is no URL";
    if (!url || fault) throw new RangeError(`Cannot use the URL of Redis: ${fault}; ${HOW}`);
    return new RedisAddress(url);
  }

  /** What to show Redis, if anything; never for printing. */
  reveal(): RedisCredentials | undefined {
    return this.#credentials;
  }

  /** The URL without its credentials. */
  toString(): string {
    const host = this.hostname.includes(":") ? `[${this.hostname}]` : this.hostname;
    return `redis://${host}:${this.port}/${this.database}`;
  }

  /** The URL without its credentials. */
  toJSON(): string {
    return this.toString();
  }
}

function faultOf(url: URL): string | undefined {
  if (url.protocol === "rediss:") return "TLS is not supported";
  if (url.protocol !== "redis:") return "its scheme is not redis";
  if (url.hostname === "") return "it names no host";
  if (url.port === "0") return "0 is no port";
  if (!/^(\/\d{0,5})?$/.test(url.pathname)) return "what follows the host is no number of a database";
  if (url.search || url.hash) {
    return "it has a query or a fragment; a ? or # of a password is written %3F or %23";
  }
  if (url.username && !url.password) return "it has a user without a password";
  if (!isDecodable(url.username + url.password)) return "a % of its password is not written %25";
  return undefined;
}

function credentialsOf({ username, password }: URL): RedisCredentials | undefined {
  if (!password) return undefined;
  return {
    username: username ? decodeURIComponent(username) : undefined,
    password: decodeURIComponent(password),
  };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
