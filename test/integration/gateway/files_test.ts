import { deepEqual, equal, match, ok } from "node:assert/strict";
import { FakeBatchService } from "../../fakes/fake_batch_service.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { until } from "../../fixtures/until.ts";
import { BatchesBed, MAX_BYTES } from "./batches_bed.ts";

const LINE = '{"custom_id":"a"}\n';

function formOf(fields: readonly (readonly [name: string, value: string | File])[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

const file = (text = LINE) => new File([text], "input.jsonl", { type: "application/jsonl" });
const head = 'Content-Disposition: form-data; name="file"; filename="a.jsonl"';
const RAW = { "content-type": "multipart/form-data; boundary=x" };

for (
  const { name, form, headers, status, says, param = null } of [
    {
      name: "without a purpose",
      form: formOf([["file", file()]]),
      status: 400,
      says: /"purpose" is missing/,
      param: "purpose",
    },
    {
      name: "for another purpose, said behind the file",
      form: formOf([["file", file()], ["purpose", "assistants"]]),
      status: 400,
      says: /"purpose" must be batch/,
      param: "purpose",
    },
    {
      name: "for another purpose, said first",
      form: formOf([["purpose", "x".repeat(5_000)], ["file", file()]]),
      status: 400,
      says: /"purpose" must be batch/,
      param: "purpose",
    },
    {
      name: "without a file",
      form: formOf([["purpose", "batch"]]),
      status: 400,
      says: /"file" is missing/,
      param: "file",
    },
    {
      name: "with two files",
      form: formOf([["purpose", "batch"], ["file", file()], ["file", file()]]),
      status: 400,
      says: /more than one "file"/,
    },
    {
      name: "as JSON",
      form: "{}",
      headers: { "content-type": "application/json" },
      status: 415,
      says: /multipart/,
    },
    {
      name: "without a boundary",
      form: "x",
      headers: { "content-type": "multipart/form-data" },
      status: 400,
      says: /cannot be read: .*[Bb]oundary/,
    },
    { name: "as an empty form", form: "", headers: RAW, status: 400, says: /cannot be read/ },
    { name: "as nonsense", form: "no form at all", headers: RAW, status: 400, says: /cannot be read/ },
    {
      name: "that ends inside the file",
      form: `--x\r\n${head}\r\n\r\n${LINE}`,
      headers: RAW,
      status: 400,
      says: /cannot be read: .*end/,
    },
    {
      name: "that ends inside a head",
      form: `--x\r\nContent-Disposi`,
      headers: RAW,
      status: 400,
      says: /cannot be read/,
    },
    {
      name: "that ends behind the file, before its end is told",
      form: `--x\r\n${head}\r\n\r\n${LINE}\r\n--x\r\n`,
      headers: RAW,
      status: 400,
      says: /cannot be read/,
    },
    {
      name: "that is larger than it may be",
      form: formOf([["purpose", "batch"], ["file", file("x".repeat(MAX_BYTES + 100_000))]]),
      status: 413,
      says: /more than 256\.0 KiB; .*batch\.max_file/,
    },
    {
      name: "whose parts beside the file have no end",
      form: new Blob([
        `--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n`,
        "y".repeat(2 * MAX_BYTES),
      ]).stream(),
      headers: RAW,
      status: 413,
      says: /more than 256\.0 KiB/,
    },
  ] as {
    name: string;
    form: BodyInit;
    headers?: Record<string, string>;
    status: number;
    says: RegExp;
    param?: string | null;
  }[]
) {
  Deno.test(`POST /v1/files refuses a file ${name}, and keeps nothing`, async () => {
    const service = new FakeBatchService();
    await using bed = new BatchesBed(service);
    const answer = await bed.post(form, headers);
    match(answer.body.error.message, says);
    deepEqual([answer.status, answer.body.error.param], [status, param]);
    await until(() => service.files.size === 0, "nothing is kept");
    deepEqual(bed.log.lines.filter(({ level }) => level === "error"), []);
  });
}

Deno.test("POST /v1/files keeps what comes, whatever else the form says, and in whatever order", async () => {
  const service = new FakeBatchService();
  await using bed = new BatchesBed(service);
  const text = LINE.repeat(10_000);
  for (
    const form of [
      formOf([["purpose", "batch"], ["file", file(text)]]),
      formOf([["file", file(text)], ["expires_after[seconds]", "3600"], ["purpose", "batch"]]),
    ]
  ) {
    const { status, body } = await bed.post(form);
    equal(status, 200);
    const { id, ...rest } = body;
    deepEqual(rest, {
      object: "file",
      bytes: text.length,
      created_at: service.nowMs / 1_000,
      filename: "input.jsonl",
      purpose: "batch",
      status: "processed",
    });
    equal(new TextDecoder().decode(service.files.get(id)!.content), text);
  }
});

Deno.test("POST /v1/files keeps a file that has no name", async () => {
  const service = new FakeBatchService();
  await using bed = new BatchesBed(service);
  const part = (name: string, text: string) =>
    `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
  const form = `${part("purpose", "batch")}${part("file", LINE)}--x--\r\n`;
  const { status, body } = await bed.post(form, { "content-type": "multipart/form-data; boundary=x" });
  deepEqual([status, body.filename, body.bytes], [200, "", LINE.length]);
});

Deno.test("POST /v1/files is told by the service that a file is too large, and reads no further", async () => {
  const service = new FakeBatchService();
  service.maxFileBytes = 1_000;
  await using bed = new BatchesBed(service, { maxFileBytes: 100_000_000 });
  const { status } = await bed.post(formOf([["purpose", "batch"], ["file", file("x".repeat(3_000_000))]]));
  equal(status, 413);
  deepEqual([service.brokenCount, service.files.size], [1, 0]);
});

Deno.test("POST /v1/files drops what it has when the client leaves amid the file", async () => {
  const service = new FakeBatchService();
  await using bed = new BatchesBed(service);
  const client = await Deno.connect({ hostname: "127.0.0.1", port: bed.port });
  const body = `--x\r\n${head}\r\n\r\n${LINE}`;
  const request = `POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Type: ${RAW["content-type"]}\r\n` +
    `Content-Length: 100000\r\n\r\n${body}`;
  await client.write(new TextEncoder().encode(request));
  await until(() => service.begunCount === 1, "the file is begun");
  client.close();
  await until(() => service.brokenCount === 1, "the file is given up");
  equal(service.files.size, 0);
});

Deno.test("POST /v1/files drops what it has, and says so, when nothing more comes for long", async () => {
  const service = new FakeBatchService();
  const clock = new FakeClock();
  await using bed = new BatchesBed(service, { clock });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: bed.port });
  const request = `POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Type: ${RAW["content-type"]}\r\n` +
    `Content-Length: 100000\r\n\r\n--x\r\n${head}\r\n\r\n${LINE}`;
  await client.write(new TextEncoder().encode(request));
  await until(() => service.begunCount === 1, "the file is begun");
  await until(() => (clock.advance(15_000), service.brokenCount === 1), "the file is given up");
  let answer = "";
  for await (const text of client.readable.pipeThrough(new TextDecoderStream())) {
    answer += text;
    if (answer.includes("}}")) break;
  }
  match(answer, /^HTTP\/1\.1 408 [^]*nothing of it came for 30\.0 s/);
});

Deno.test("POST /v1/files holds a client back whose file cannot be written as fast as it comes", async () => {
  const service = new FakeBatchService();
  const begun = Promise.withResolvers<ReadableStream<Uint8Array>>();
  service.addFile = async (name, content) => {
    begun.resolve(content);
    await held.promise;
    return await FakeBatchService.prototype.addFile.call(service, name, content);
  };
  const held = Promise.withResolvers<void>();
  await using bed = new BatchesBed(service, { maxFileBytes: 100_000_000 });
  let sentBytes = 0;
  const chunk = new TextEncoder().encode("x".repeat(65_535) + "\n");
  const totalBytes = 40_000_000;
  const form = new ReadableStream<Uint8Array>({
    start: (controller) =>
      controller.enqueue(new TextEncoder().encode(
        `--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x\r\n${head}\r\n\r\n`,
      )),
    pull(controller) {
      if (sentBytes < totalBytes) {
        controller.enqueue(chunk);
        sentBytes += chunk.length;
      } else {
        controller.enqueue(new TextEncoder().encode("\r\n--x--\r\n"));
        controller.close();
      }
    },
  });
  const posted = bed.post(form, RAW);
  await begun.promise;
  let before = -1;
  await until(
    async () => {
      before = sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return sentBytes === before;
    },
    "the client waits",
    { withinMs: 10_000 },
  );
  ok(sentBytes < totalBytes / 2, `${sentBytes} bytes were taken in`);
  held.resolve();
  equal((await posted).body.bytes, sentBytes);
});

Deno.test("GET /v1/files lists the newest first, a page at a time, and only what was asked for", async () => {
  const service = new FakeBatchService();
  await using bed = new BatchesBed(service);
  const bytes = new Uint8Array(3);
  for (let index = 0; index < 9; index++) {
    service.keep(`${index}`, bytes, index % 3 === 0 ? "batch" : "batch_output");
  }
  const names = (body: { data: { filename: string }[] }) =>
    body.data.map(({ filename }) => filename).join("");
  const all = await bed.ask("GET", "/v1/files");
  equal(names(all.body), "876543210");
  deepEqual([all.body.object, all.body.has_more, all.body.first_id], ["list", false, "file-9"]);
  const first = await bed.ask("GET", "/v1/files?purpose=batch&limit=2");
  deepEqual([names(first.body), first.body.has_more], ["63", true]);
  const second = await bed.ask("GET", `/v1/files?purpose=batch&limit=2&after=${first.body.last_id}`);
  deepEqual([names(second.body), second.body.has_more], ["0", false]);
  const none = await bed.ask("GET", `/v1/files?purpose=batch&after=${second.body.last_id}`);
  deepEqual([none.body.data, none.body.first_id, none.body.last_id], [[], null, null]);
  for (const query of ["limit=0", "limit=x", "limit=10001", "purpose=vision"]) {
    equal((await bed.ask("GET", `/v1/files?${query}`)).status, 400, query);
  }
  equal((await bed.ask("GET", "/v1/files?after=file-x")).status, 404);
});

Deno.test("GET /v1/files/ID/content gives the bytes, which no browser shows", async () => {
  const service = new FakeBatchService();
  await using bed = new BatchesBed(service);
  const { id } = service.keep("<script>.html", new TextEncoder().encode("<script>"));
  const url = `${bed.url}/v1/files/${id}/content`;
  const response = await fetch(url);
  equal(await response.text(), "<script>");
  equal(response.headers.get("content-type"), "application/octet-stream");
  equal(response.headers.get("x-content-type-options"), "nosniff");
  service.readFile = () => {
    throw new Error("nobody reads it");
  };
  const asked = await fetch(url, { method: "HEAD" });
  deepEqual([asked.status, asked.headers.get("content-length")], [200, "8"]);
});

Deno.test("a file that is removed is gone, and one that a batch reads stays", async () => {
  const service = new FakeBatchService();
  await using bed = new BatchesBed(service);
  const { id } = service.keep("a", new Uint8Array(1));
  const batch = service.createBatch({
    inputFileId: id,
    endpoint: "/v1/embeddings",
    completionWindow: "24h",
    metadata: {},
  });
  equal((await bed.ask("DELETE", `/v1/files/${id}`)).status, 409);
  service.change(batch.id, { status: "completed", endedAtMs: 1 });
  deepEqual((await bed.ask("DELETE", `/v1/files/${id}`)).body, { id, object: "file", deleted: true });
  for (const path of [id, `${id}/content`, "x", "..%2f..%2fetc%2fpasswd"]) {
    const { status, body } = await bed.ask("GET", `/v1/files/${path}`);
    deepEqual([status, body.error.code], [404, "not_found"], path);
  }
  equal((await bed.ask("PUT", "/v1/files")).status, 405);
});
