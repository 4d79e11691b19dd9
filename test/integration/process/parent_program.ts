import { ChildProcess } from "../../../lib/process/child.ts";

/** A program that starts a child, tells its pid and waits to be killed. */
const child = await ChildProcess.spawn({ program: "sleep", args: ["1000"] });
await Deno.stdout.write(new TextEncoder().encode(`${child.pid}\n`));
await child.exited;
