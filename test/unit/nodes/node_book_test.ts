import { deepEqual, equal, throws } from "node:assert/strict";
import { NodeBook } from "../../../lib/nodes/node_book.ts";
import { NodeRecord } from "../../../lib/nodes/node_record.ts";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";

const [A, B] = [nodeAt("http://a:1"), nodeAt("http://b:1")];
const create = (settings: NodeSettings) => new NodeRecord(settings, new FakeClock());

/** A book with these nodes. */
function bookOf(...list: NodeSettings[]): NodeBook {
  const book = new NodeBook();
  book.replace(list, create);
  return book;
}

const urls = (records: readonly NodeRecord[]) => records.map(({ url }) => url);

Deno.test("who stays keeps the record; who came and who went is told", () => {
  const book = bookOf(A);
  const [a] = book.nodes;
  const { came, went } = book.replace([B, A], create);
  deepEqual([urls(came), urls(went), urls(book.nodes)], [[B.url], [], [B.url, A.url]]);
  equal(book.nodeAt(A.url), a);
  deepEqual(urls(book.replace([B], create).went), [A.url]);
  deepEqual([book.isNode(a!), book.isWatched(a!), urls(book.watched)], [false, false, [B.url]]);
});

Deno.test("who goes with requests of ours leaves when the last of them has ended", () => {
  const book = bookOf(A);
  const [a] = book.nodes;
  const request = new AbortController();
  a!.requests.set(request, "m");
  book.replace([B], create);
  deepEqual([book.isNode(a!), book.isWatched(a!), urls(book.watched)], [false, true, [B.url, A.url]]);
  equal(book.releaseIdle(a!), false);
  a!.requests.delete(request);
  deepEqual([book.releaseIdle(a!), book.isWatched(a!), book.releaseIdle(a!)], [true, false, false]);
});

Deno.test("who leaves and comes back keeps the record, and leaves no more", () => {
  const book = bookOf(A);
  const [a] = book.nodes;
  a!.requests.set(new AbortController(), "m");
  book.replace([], create);
  deepEqual(book.replace([A], create).came, [a]);
  a!.requests.clear();
  deepEqual([book.releaseIdle(a!), book.isNode(a!), urls(book.watched)], [false, true, [A.url]]);
});

Deno.test("a record that cannot be made changes nothing", () => {
  const book = bookOf(A);
  throws(() => book.replace([B, { ...B, url: "ftp://x" }], create), RangeError);
  deepEqual(urls(book.watched), [A.url]);
});
