import { GatewayError } from "../errors.ts";

/** A streamed answer that broke off after the client had got a part of it. */
export class BrokenAnswer extends GatewayError {
  /**
   * Says the reason and how much had come.
   *
   * @param reason Why it broke off.
   * @param deliveredTokenCount Tokens that the client has: pieces of text, of reasoning and of tool calls.
   */
  constructor(readonly reason: GatewayError, readonly deliveredTokenCount: number) {
    const delivered = deliveredTokenCount === 1 ? "1 token" : `${deliveredTokenCount} tokens`;
    super(reason.code, `${reason.message}; ${delivered} had been delivered`, {
      cause: reason,
      ...(reason.retryAfterSeconds !== undefined && { retryAfterSeconds: reason.retryAfterSeconds }),
      ...(reason.field !== undefined && { field: reason.field }),
    });
  }
}
