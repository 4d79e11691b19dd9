import { deepEqual, throws } from "node:assert/strict";
import { decodeRerankEnvelope } from "../../../lib/dialects/rerank_request.ts";

const decode = (said: string) => decodeRerankEnvelope(new TextEncoder().encode(said));

for (
  const said of [
    `{"model":"m","query":"q","documents":["a"],"top_n":1,"return_documents":false,"stream":true}`,
    `{"model":"m","query":"q","texts":["a","b"],"return_text":true}`,
  ]
) {
  Deno.test(`a request to rank is read: ${said}`, () => {
    deepEqual(decode(said), { model: "m", stream: false, keepAliveMs: undefined });
  });
}

for (
  const { said, field } of [
    { said: `{"documents":["a"]}`, field: "query" },
    { said: `{"query":["q"],"documents":["a"]}`, field: "query" },
    { said: `{"query":"q"}`, field: "documents" },
    { said: `{"query":"q","documents":[]}`, field: "documents" },
    { said: `{"query":"q","documents":"a"}`, field: "documents" },
    { said: `{"query":"q","documents":["a",{"text":"b"}]}`, field: "documents[1]" },
    { said: `{"query":"q","texts":["a"],"top_n":"1"}`, field: "top_n" },
  ]
) {
  Deno.test(`a request to rank is refused: ${said}`, () => {
    throws(() => decode(said), { code: "invalid_request", field });
  });
}
