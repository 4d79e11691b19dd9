/** A request that the node refuses as Ollama does; told in the way of the API that was asked. */
export class FakeRefusal extends Error {
  override readonly name = "FakeRefusal";

  /** `isEarly`: OpenAI's APIs refuse it before it is translated to Ollama's own. */
  constructor(readonly status: number, message: string, readonly isEarly = false) {
    super(message);
  }
}
