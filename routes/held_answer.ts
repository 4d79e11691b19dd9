/** The same answer, which gives a place back as soon as it is over: read to its end, broken, or left by its client. */
export function heldUntilSent(response: Response, place: Disposable): Response {
  if (!response.body) {
    place[Symbol.dispose]();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        place[Symbol.dispose]();
        controller.close();
      } catch (error) {
        place[Symbol.dispose]();
        throw error;
      }
    },
    async cancel(reason) {
      place[Symbol.dispose]();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(body, response);
}
