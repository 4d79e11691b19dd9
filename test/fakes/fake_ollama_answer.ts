/** What a fake node says unless told otherwise, of 16 words: `word0 word1 …`. */
export function fakeAnswer(wordCount: number): string {
  return Array.from({ length: wordCount }, (_, index) => `word${index}`).join(" ");
}

/** An answer as a fake node streams it: word by word, each with the space before it. */
export function tokensOf(answer: string): string[] {
  return answer.match(/\s*\S+/g) ?? [];
}
