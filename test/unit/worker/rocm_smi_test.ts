import { deepEqual, throws } from "node:assert/strict";
import { parseRocmSmi } from "../../../lib/worker/rocm_smi.ts";

/** After outputs that users have posted. */
const recorded = (name: string) =>
  Deno.readTextFileSync(new URL(`../../fixtures/rocm_smi/${name}`, import.meta.url));

Deno.test("parseRocmSmi() reads a card with all its figures", () => {
  deepEqual(parseRocmSmi(recorded("rx_7900_xt.json")), [{
    vendor: "amd",
    index: 0,
    id: "0xac1b58f8c066790f",
    name: "Radeon RX 7900 XT",
    totalBytes: 21_458_059_264,
    freeBytes: 21_458_059_264 - 27_856_896,
    temperatureC: 38,
    utilisation: 0.04,
  }]);
});

Deno.test("parseRocmSmi() reads the keys of older releases, sorts cards, and passes over warnings and the driver", () => {
  const cards = parseRocmSmi(recorded("integrated_and_old.txt"));
  deepEqual(
    cards.map(({ index, id, name, temperatureC, utilisation }) => ({
      index,
      id,
      name,
      temperatureC,
      utilisation,
    })),
    [
      {
        index: 0,
        id: "amd:0",
        name: "Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]",
        temperatureC: 52,
        utilisation: undefined,
      },
      { index: 1, id: "pci:0000:c4:00.0", name: "Phoenix3", temperatureC: 31, utilisation: 0.19 },
    ],
  );
});

Deno.test("parseRocmSmi() repeats what it is told instead of figures", () => {
  throws(() => parseRocmSmi(recorded("no_driver.txt")), /^RangeError: ERROR:root:Driver not initialized/);
  throws(() => parseRocmSmi(""), /it printed nothing/);
  throws(() => parseRocmSmi('{"card0": '), RangeError);
  throws(() => parseRocmSmi("[1]"), RangeError);
});

Deno.test("parseRocmSmi() knows no memory of a card that tells none, and no negative one", () => {
  const cards = parseRocmSmi(`{"card0": {"VRAM Total Memory (B)": "N/A"},
    "card1": {"VRAM Total Memory (B)": "10", "VRAM Total Used Memory (B)": "11"}, "card2": {"VRAM Total Memory (B)": 8}}`);
  deepEqual(cards.map(({ totalBytes, freeBytes }) => [totalBytes, freeBytes]), [
    [undefined, undefined],
    [10, 0],
    [8, undefined],
  ]);
});
