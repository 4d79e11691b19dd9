/**
 * A batch over three Ollama nodes, whose gateway is killed on the way and started again. Prints what became of it.
 *
 *     deno task batches [--lines 10000] [--kills 3]
 */
import { runAndKill } from "./batch_bed.ts";
import { numberArgument, print, seconds } from "./figures.ts";

async function main(): Promise<void> {
  const lineCount = numberArgument("lines", 10_000);
  const killCount = numberArgument("kills", 3);
  const { command, ids, hasErrors, kills, askedCounts, tookMs } = await runAndKill({ lineCount, killCount });
  const counts = [...askedCounts.values()];
  const isInOrder = ids.every((id, at) => id === `q${at}`);
  print(`${lineCount} requests in ${seconds(tookMs)}, gateway killed after ${kills.join(", ")} answers`);
  print(
    `results ${ids.length}, of them different ${new Set(ids).size}; in the order of the input: ${isInOrder}`,
  );
  print(`requests that were asked more than once ${counts.filter((count) => count > 1).length}`);
  print(
    `    at most ${Math.max(...counts)} times; requests that came to the nodes ${
      counts.reduce((a, b) => a + b, 0)
    }`,
  );
  print(`sollol batch run ended with ${command.code}`);
  if (command.code !== 0 || ids.length !== lineCount || !isInOrder || hasErrors) {
    print(command.stderr);
    Deno.exitCode = 1;
  }
}

if (import.meta.main) await main();
