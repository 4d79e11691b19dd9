/** The status of an answer to a GET, whose body is read and forgotten; `undefined` if none came. */
export async function statusOf(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  try {
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined; // nobody listens, or not any more
  }
}
