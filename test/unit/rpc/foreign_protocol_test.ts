import { equal } from "node:assert/strict";
import { nameForeignProtocol } from "../../../lib/rpc/foreign_protocol.ts";

for (
  const { head, want } of [
    { head: "HTTP/1.1 400 Bad Request\r\n", want: "an HTTP server" },
    { head: "<!DOCTYPE html>", want: "an HTTP server" },
    { head: "\x15\x03\x01\x00\x02\x02\x0a", want: "a TLS server (such as https)" },
    { head: "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", want: "an HTTP/2 server (such as gRPC)" },
    { head: "SSH-2.0-OpenSSH_9.2p1", want: "an SSH server" },
    { head: "-ERR unknown command", want: "a Redis or POP3 server" },
    { head: "220 mail.lan ESMTP", want: "a mail or FTP server" },
    { head: "RFB 003.008\n", want: "a VNC server" },
    { head: "Protocol mismatch.\n", want: "a server that answers in plain text" },
    { head: "\x1c\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00", want: undefined },
    { head: "J\x00\x00\x00\x0a5.7.44", want: undefined },
    { head: "", want: undefined },
  ]
) {
  Deno.test(`nameForeignProtocol() takes ${JSON.stringify(head)} for ${want ?? "nothing it knows"}`, () => {
    equal(nameForeignProtocol(Uint8Array.from(head, (char) => char.charCodeAt(0))), want);
  });
}
