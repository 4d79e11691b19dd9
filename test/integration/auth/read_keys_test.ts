import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkKeys, readKeys } from "../../../lib/auth/read_keys.ts";
import { sha256Of } from "../../../lib/auth/secret_digest.ts";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { type LoadedConfig, mergeConfig } from "../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../lib/config/yaml_file.ts";

/** A directory with a config, and its key files. */
async function place() {
  const directory = await Deno.makeTempDir({ prefix: "sollol-keys-" });
  return {
    directory,
    path: (name: string) => join(directory, name),
    async write(name: string, text: string | Uint8Array, mode = 0o600): Promise<void> {
      const path = join(directory, name);
      if (typeof text === "string") await Deno.writeTextFile(path, text);
      else await Deno.writeFile(path, text);
      await Deno.chmod(path, mode);
    },
    config: (text: string): LoadedConfig =>
      mergeConfig({ file: parseConfigFile(text, join(directory, "config.yaml")) }),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

const FILE = "auth: {keys: [{name: chat, file: chat.key}]}";

for (
  const { name, text, mode, want } of [
    { name: "one key", text: "hunter2\n", mode: 0o600, want: ["hunter2"] },
    {
      name: "several, with comments",
      text: "# old\nhunter2\n\n# new\nhunter3",
      mode: 0o400,
      want: ["hunter2", "hunter3"],
    },
  ]
) {
  Deno.test(`a file with ${name} is read, its path taken from the config file's directory`, async () => {
    await using keys = await place();
    await keys.write("chat.key", text, mode);
    const { auth } = await readKeys(keys.config(FILE), {});
    deepEqual(auth.keys[0]!.sha256, want.map(sha256Of));
  });
}

Deno.test("a file may be reached by a link, whatever that link's own mode is", async () => {
  await using keys = await place();
  await keys.write("real.key", "hunter2");
  await Deno.symlink("real.key", keys.path("chat.key"));
  equal((await readKeys(keys.config(FILE), {})).auth.keys[0]!.sha256.length, 1);
});

const own = Deno.uid();

for (
  const { name, prepare, want, ignore = false } of [
    {
      name: "is not there",
      prepare: () => Promise.resolve(),
      want: /cannot be read: there is no .*chat\.key; write the key/,
    },
    {
      name: "is empty",
      prepare: (keys) => keys.write("chat.key", ""),
      want: /chat\.key has no key; write one a line/,
    },
    {
      name: "has only comments",
      prepare: (keys) => keys.write("chat.key", "# hunter2\n"),
      want: /has no key/,
    },
    {
      name: "its group may read",
      prepare: (keys) => keys.write("chat.key", "hunter2", 0o640),
      want: /the mode of .*chat\.key is 640, .*; chmod 600 \S+chat\.key/,
    },
    {
      name: "everybody may read",
      prepare: (keys) => keys.write("chat.key", "hunter2", 0o644),
      want: /is 644, .*chmod 600/,
    },
    { name: "others may write", prepare: (keys) => keys.write("chat.key", "hunter2", 0o602), want: /is 602/ },
    {
      name: "belongs to somebody else",
      ignore: own !== 0,
      prepare: async (keys) => {
        await keys.write("chat.key", "hunter2");
        await Deno.chown(keys.path("chat.key"), 12_345, 12_345);
      },
      want: /belongs to user 12345, .*; chown 0 \S+chat\.key/,
    },
    {
      name: "is a directory",
      prepare: (keys) => Deno.mkdir(keys.path("chat.key")),
      want: /chat\.key is a directory; name a file with one key a line/,
    },
    {
      name: "is a pipe",
      prepare: async (keys) =>
        void await new Deno.Command("mkfifo", { args: ["-m", "600", keys.path("chat.key")] }).output(),
      want: /is no regular file/,
    },
    {
      name: "is too large",
      prepare: (keys) => keys.write("chat.key", "hunter2\n".repeat(10_000)),
      want: /has 78\.1 KiB, and a file of keys at most 64\.0 KiB/,
    },
    {
      name: "is no text",
      prepare: (keys) => keys.write("chat.key", new Uint8Array([0xff, 0xfe, 0x00])),
      want: /is not text/,
    },
    {
      name: "has what can be no key",
      prepare: (keys) => keys.write("chat.key", "ok\nhunter2 hunter2\n"),
      want: /has no key in line 2: it must be printable ASCII without spaces/,
    },
    {
      name: "has a key twice",
      prepare: (keys) => keys.write("chat.key", "hunter2\nhunter2\n"),
      want: /the same key in lines 1 and 2/,
    },
    {
      name: "is a link to itself",
      prepare: (keys) => Deno.symlink("chat.key", keys.path("chat.key")),
      want: /cannot be read from .*chat\.key/,
    },
  ] as {
    name: string;
    prepare: (keys: Awaited<ReturnType<typeof place>>) => Promise<void>;
    want: RegExp;
    ignore?: boolean;
  }[]
) {
  Deno.test({
    name: `a key file that ${name} is refused with its cure, and shows no key`,
    ignore,
    async fn() {
      await using keys = await place();
      await prepare(keys);
      await rejects(readKeys(keys.config(FILE), {}), (error) => {
        ok(error instanceof ConfigError);
        match(error.message, /the key "chat" \(auth\.keys\[0\]\) .*config\.yaml, line 1/);
        match(error.message, want);
        ok(!error.message.includes("hunter"), error.message);
        return true;
      });
    },
  });
}

Deno.test("all files that cannot be used are told at once", async () => {
  await using keys = await place();
  const config = keys.config("auth:\n  keys:\n    - {name: a, file: a.key}\n    - {name: b, file: b.key}\n");
  await rejects(readKeys(config, {}), (error) => error instanceof ConfigError && error.problems.length === 2);
});

const CREDENTIAL = "auth: {keys: [{name: chat, credential: chat.key}]}";

Deno.test("a credential is read where systemd puts it, whose mode is systemd's business", async () => {
  await using keys = await place();
  await keys.write("chat.key", "hunter2\n", 0o440);
  const { auth } = await readKeys(keys.config(CREDENTIAL), { CREDENTIALS_DIRECTORY: keys.directory });
  deepEqual(auth.keys[0]!.sha256, [sha256Of("hunter2")]);
});

Deno.test("a credential that nobody handed over is refused with the line that the unit needs", async () => {
  await using keys = await place();
  await rejects(
    readKeys(keys.config(CREDENTIAL), {}),
    /CREDENTIALS_DIRECTORY is not set.*LoadCredential=chat\.key:FILE/,
  );
  const env = { CREDENTIALS_DIRECTORY: keys.directory };
  await rejects(readKeys(keys.config(CREDENTIAL), env), /there is no .*chat\.key/);
  await rejects(readKeys(keys.config("auth: {keys: [{name: chat, credential: ..}]}"), env), /is a directory/);
});

for (
  const { name, text, want } of [
    {
      name: "in a file and as a hash",
      text: `auth: {keys: [{name: a, file: chat.key}, {name: b, hash: "sha256:${sha256Of("hunter2")}"}]}`,
      want: /"a" and "b" are the same key.*`sollol key new`/,
    },
    {
      name: "in api_keys and in a file",
      text: "api_keys: [x, hunter2]\nauth: {keys: [{name: a, file: chat.key}]}",
      want: /"api_keys\[1\]" and "a" are the same key/,
    },
    {
      name: "as the worker token, too",
      text: "worker_token: hunter2\nauth: {keys: [{name: a, key: hunter2}]}",
      want: /"worker_token" and "a" are the same key/,
    },
    {
      name: "twice in api_keys",
      text: "api_keys: [hunter2, hunter2]",
      want: /"api_keys\[0\]" and "api_keys\[1\]"/,
    },
  ]
) {
  Deno.test(`one secret ${name} is refused by both names, and not shown`, async () => {
    await using keys = await place();
    await keys.write("chat.key", "hunter2\n");
    await rejects(readKeys(keys.config(text), {}), (error) => {
      ok(error instanceof ConfigError && want.test(error.message), String(error));
      ok(!error.message.includes("hunter2"));
      return true;
    });
  });
}

Deno.test("before a gateway starts, only what its own user can tell stays open", async () => {
  await using keys = await place();
  await keys.write("chat.key", "hunter2\n");
  deepEqual(await checkKeys(keys.config(FILE), {}), []);
  const [open, ...more] = await checkKeys(keys.config(CREDENTIAL), {});
  match(
    open!,
    /cannot read the credential.*; not checked, since a gateway that runs as another user, or by systemd/,
  );
  deepEqual(more, []);
  await keys.write("chat.key", "hunter2\n", 0o644);
  await rejects(checkKeys(keys.config(FILE), {}), /chmod 600/);
  await rejects(checkKeys(keys.config("api_keys: [x, x]"), {}), /are the same key/);
});

Deno.test({
  name: "a file of another user is left to a gateway that runs as that one",
  ignore: own !== 0,
  async fn() {
    await using keys = await place();
    await keys.write("chat.key", "hunter2");
    await Deno.chown(keys.path("chat.key"), 12_345, 12_345);
    match((await checkKeys(keys.config(FILE), {})).join(), /belongs to user 12345.*not checked/);
  },
});
