import type { Config } from "../config/config.ts";
import { formatListenAddress, isLoopback } from "../config/listen_address.ts";
import { type Finding, ok, warn } from "./finding.ts";

/** Who may use a gateway with this configuration; one that lets in everybody by mistake is refused by its schema. */
export function judgeAccess({ listen, apiKeys, auth }: Pick<Config, "listen" | "apiKeys" | "auth">): Finding {
  const where = formatListenAddress(listen);
  const keyCount = apiKeys.size + auth.keys.length;
  const figures = { listen: where, keyCount, allowsAnonymous: auth.allowsAnonymous };
  const keys = keyCount === 1 ? "1 key" : `${keyCount} keys`;
  if (isLoopback(listen)) {
    return ok(
      `${where}: only programs on this machine reach it${keyCount === 0 ? "" : `, with ${keys}`}`,
      figures,
    );
  }
  if (auth.allowsAnonymous) {
    return warn(
      `${where}: everybody who reaches it may ask models, without a key (auth.allow_anonymous)`,
      "make a key with `sollol key new`, and remove auth.allow_anonymous",
      figures,
    );
  }
  // worth knowing, but no fault: most homes trust their own cable
  return ok(
    `${where}, with ${keys}; keys travel in the clear, so beyond your own network use a VPN or TLS`,
    figures,
  );
}
