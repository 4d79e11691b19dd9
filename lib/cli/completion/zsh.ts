import type { Candidate, Place, ValuedFlag } from "./places.ts";
import { caseLines, placeName, quoted, valueLines } from "./shell_text.ts";

/** A script that teaches zsh to complete the program; to be sourced after `compinit`, or a file `_PROGRAM` in `$fpath`. */
export function zshCompletion(program: string, places: readonly Place[]): string {
  const inner = places.filter(({ words }) => words.length > 0);
  return `#compdef ${program}
_${program}() {
  local current_place="" word previous=$words[CURRENT-1]
  local -a candidates
  for word in $words[2,CURRENT-1]; do
    case "$current_place $word" in
${caseLines(inner.map((place) => [placeName(place), place]), () => 'current_place="$current_place $word"', 6)}
    esac
  done
  case "$current_place:$previous" in
${valueLines(places, valueCommand)}
  esac
  case "$current_place" in
${caseLines(places.map((place) => [placeName(place), place] as const), candidateCommand, 4)}
  esac
  _describe ${quoted(program)} candidates
}
if [[ $funcstack[1] = _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function valueCommand(value: ValuedFlag["value"]): string {
  if (value === "unknown") return "_message value";
  return value === "file" ? "_files" : `compadd -- ${value.map(quoted).join(" ")}`;
}

function candidateCommand({ candidates, takesFiles }: Place): string {
  return `${takesFiles ? "_files; " : ""}candidates=(${candidates.map(described).join(" ")})`;
}

function described({ word, description }: Candidate): string {
  return quoted(`${word.replaceAll(":", "\\:")}:${description}`);
}
