import { KEY_NAME_COMPLAINT, KEY_NAME_PATTERN } from "../../auth/key_name.ts";
import { hashText, type NewKey, newKey } from "../../auth/new_key.ts";
import { secretComplaint } from "../../auth/secret_digest.ts";
import { messageOf } from "../../errors.ts";
import { type Command, type CommandGroup, defineCommand, UsageError } from "../command.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { readFirstLine } from "../read_input.ts";

/** What the commands take from the host. */
export interface KeyCommandsHost {
  /** Fills bytes with chance. */
  readonly fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** Where a key is read from: command lines are shown to everybody by `ps`. */
  readonly input: { read(into: Uint8Array): Promise<number | null>; isTerminal(): boolean };
}

const SCOPES = ["inference", "metrics", "worker", "admin"] as const;

/** `sollol key`: makes and hashes keys; asks no gateway, and writes no file. */
export function keyCommandsOf(host: KeyCommandsHost): CommandGroup {
  return {
    name: "key",
    summary: "Make keys for clients, and hash those that there are.",
    commands: [newCommand(host), hashCommand(host)],
  };
}

/** The same for this process. */
export const keyCommands: CommandGroup = keyCommandsOf({
  fillRandom: (bytes) => void crypto.getRandomValues(bytes),
  input: Deno.stdin,
});

function newCommand({ fillRandom }: KeyCommandsHost): Command {
  return defineCommand({
    name: "new",
    summary: "Make a key, and show what to add to the configuration.",
    details:
      "The key is shown this once and kept nowhere: the configuration needs only its hash. It is for inference " +
      "unless --scope says something else: metrics, worker (join as a worker) or admin (everything).",
    options: {
      name: { type: "string", value: "NAME", description: "What it is called in logs; default: client." },
      scope: {
        type: "string",
        value: "SCOPE",
        multiple: true,
        choices: SCOPES,
        description: "What it is for; may be repeated; default: inference.",
      },
      ...JSON_OPTION,
    },
    examples: [
      "key new --name chat",
      "key new --name prometheus --scope metrics",
      "key new --name ops --scope admin",
    ],
    run(context) {
      const { name = "client", scope, json } = context.options;
      if (!KEY_NAME_PATTERN.test(name)) throw new UsageError(`--name ${KEY_NAME_COMPLAINT}`);
      const scopes = scope.length === 0 ? ["inference"] : [...new Set(scope)];
      const key = newKey(fillRandom);
      if (json) writeJson(context, { name, key: key.secret, hash: key.hash, scopes });
      else context.stdout.write(newKeyText(key, { name, scopes }));
      return Promise.resolve(0);
    },
  });
}

function hashCommand({ input }: KeyCommandsHost): Command {
  return defineCommand({
    name: "hash",
    summary: "Read a key from stdin, and print its hash.",
    details: "For keys that there are already: the configuration takes the hash as auth.keys[].hash.",
    options: JSON_OPTION,
    examples: ["key hash < /etc/sollol/chat.key"],
    async run(context) {
      if (input.isTerminal()) context.stderr.write("Type the key, then Enter:\n");
      const secret = await readFirstLine(input).catch((error) => {
        throw error instanceof RangeError ? new UsageError(`The key on stdin ${messageOf(error)}`) : error;
      });
      const complaint = secret === "" ? "is missing" : secretComplaint(secret);
      if (complaint !== undefined) throw new UsageError(`The key on stdin ${complaint}`);
      const hash = hashText(secret);
      if (context.options.json) writeJson(context, { hash });
      else context.stdout.write(`${hash}\n`);
      return 0;
    },
  });
}

/** For who asks models; commented out, since most keys need none of it. */
const LIMITS = `
      # models: [llama3.2, "qwen3*"]   # only these; default: all
      # concurrency: 2                 # requests at a time
      # requests_per_minute: 60
      # max_priority: 5                # of 10`;

function newKeyText(
  { secret, hash }: NewKey,
  { name, scopes }: { readonly name: string; readonly scopes: readonly string[] },
): string {
  const workers = scopes.includes("worker") ? "; workers read it from a file: --token-file FILE" : "";
  return `The key, shown this once:

  ${secret}

Add this to the configuration, below other keys if there are some; it holds only the key's hash:

auth:
  keys:
    - name: ${JSON.stringify(name)}
      hash: ${hash}
      scopes: [${scopes.join(", ")}]${scopes.includes("inference") ? LIMITS : ""}

Then check it with \`sollol config check\`, and reload the gateway: save the file, or send SIGHUP.

Clients show the key as Authorization: Bearer KEY, as x-api-key: KEY, or as the password of Basic${workers}.
`;
}
