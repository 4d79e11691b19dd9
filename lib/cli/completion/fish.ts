import type { Candidate, Place, ValuedFlag } from "./places.ts";
import { placeName } from "./shell_text.ts";

/** A script that teaches fish to complete the program; for `~/.config/fish/completions/PROGRAM.fish`. */
export function fishCompletion(program: string, places: readonly Place[]): string {
  const inner = places.filter(({ words }) => words.length > 0).map((place) => quoted(placeName(place)));
  return `# fish completion of ${program}
function __${program}_place
    set -l place ""
    for word in (commandline -opc)[2..]
        switch "$place $word"
            case ${inner.join(" ")}
                set place "$place $word"
        end
    end
    echo "$place"
end
function __${program}_is_at
    test (__${program}_place) = "$argv[1]"
end
complete -c ${program} -f
${places.map((place) => linesOf(program, place)).join("\n")}
`;
}

function linesOf(program: string, place: Place): string {
  const condition = `-n ${quoted(`__${program}_is_at ${quoted(placeName(place))}`)}`;
  const start = `complete -c ${program} ${condition}`;
  const lines = place.candidates.map((candidate) => `${start} ${argumentsOf(candidate, place)}`);
  return [...lines, ...(place.takesFiles ? [`${start} -F`] : [])].join("\n");
}

function argumentsOf({ word, description }: Candidate, { valuedFlags }: Place): string {
  const about = `-d ${quoted(description)}`;
  if (!word.startsWith("--")) return `-a ${quoted(word)} ${about}`;
  const valued = valuedFlags.find(({ flags }) => flags.includes(word));
  const short = valued?.flags.find((flag) => /^-[^-]/.test(flag));
  const flag = `-l ${quoted(word.slice(2))}${short ? ` -s ${short.slice(1)}` : ""}`;
  return `${flag}${valued ? ` ${valueOf(valued)}` : ""} ${about}`;
}

function valueOf({ value }: ValuedFlag): string {
  if (value === "unknown") return "-x";
  return value === "file" ? "-r -F" : `-x -a ${quoted(value.join(" "))}`;
}

/** Fish knows two escapes in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
