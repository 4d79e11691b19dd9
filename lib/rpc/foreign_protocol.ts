/** How well-known servers begin what they send, unasked or when they do not understand a HELLO. */
const GREETINGS: readonly { text?: RegExp; hex?: RegExp; name: string }[] = [
  { text: /^HTTP\/|^<(!doctype|html)/i, name: "an HTTP server" },
  { hex: /^1[4-7]030[0-4]/, name: "a TLS server (such as https)" },
  { hex: /^0000..040000000000/, name: "an HTTP/2 server (such as gRPC)" },
  { text: /^SSH-/, name: "an SSH server" },
  { text: /^(\+OK|[-+](ERR|NOAUTH|DENIED|PONG))/, name: "a Redis or POP3 server" },
  { text: /^[1-5]\d\d[ -]/, name: "a mail or FTP server" },
  { text: /^RFB \d/, name: "a VNC server" },
  { text: /^[\s\x21-\x7e]{8}/, name: "a server that answers in plain text" },
];

/**
 * Says what a server that is no `ggml-rpc-server` looks like, from the first bytes that it sent.
 *
 * @returns A noun with its article, such as `an HTTP server`; undefined if nothing is recognised.
 */
export function nameForeignProtocol(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 16));
  const hex = head.subarray(0, 16).toHex();
  return GREETINGS.find((greeting) => greeting.text?.test(text) ?? greeting.hex?.test(hex))?.name;
}
