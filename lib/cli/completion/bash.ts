import type { Place, ValuedFlag } from "./places.ts";
import { caseLines, placeName, quoted, valueLines } from "./shell_text.ts";

/** A script that teaches bash to complete the program; to be sourced, or put where bash-completion looks. */
export function bashCompletion(program: string, places: readonly Place[]): string {
  return `# bash completion of ${program}
_${program}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} place="" word candidates=""
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
${caseLines(placesToEnter(places), () => 'place="$place $word"', 6)}
    esac
  done
  case "$place:$previous" in
${valueLines(places, valueCommand)}
  esac
  case "$place" in
${caseLines(places.map((place) => [placeName(place), place] as const), candidateCommand, 4)}
  esac
  COMPREPLY+=($(compgen -W "$candidates" -- "$current"))
}
complete -F _${program} ${program}
`;
}

function placesToEnter(places: readonly Place[]): (readonly [string, Place])[] {
  return places.filter(({ words }) => words.length > 0).map((place) => [placeName(place), place]);
}

const COMPLETE_FILES = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")';

function valueCommand(value: ValuedFlag["value"]): string {
  if (value === "unknown") return "";
  if (value === "file") return COMPLETE_FILES;
  return `COMPREPLY=($(compgen -W ${quoted(value.join(" "))} -- "$current"))`;
}

function candidateCommand({ candidates, takesFiles }: Place): string {
  const words = candidates.map(({ word }) => word).join(" ");
  return `${takesFiles ? `${COMPLETE_FILES}; ` : ""}candidates=${quoted(words)}`;
}
