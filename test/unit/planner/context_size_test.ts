import { equal } from "node:assert/strict";
import { contextSizeOf } from "../../../lib/planner/context_size.ts";

for (
  const { name, numCtx, trained, contextSize, isSet, want } of [
    {
      name: "the default where nobody says",
      numCtx: undefined,
      trained: 131_072,
      contextSize: 8192,
      isSet: false,
      want: 8192,
    },
    {
      name: "the model's own before the default",
      numCtx: 16_384,
      trained: 131_072,
      contextSize: 8192,
      isSet: false,
      want: 16_384,
    },
    {
      name: "the operator's before the model's own",
      numCtx: 16_384,
      trained: 131_072,
      contextSize: 4096,
      isSet: true,
      want: 4096,
    },
    {
      name: "never more than the model was trained with",
      numCtx: undefined,
      trained: 2048,
      contextSize: 8192,
      isSet: true,
      want: 2048,
    },
    {
      name: "the wish where nobody knows the training",
      numCtx: undefined,
      trained: 0,
      contextSize: 8192,
      isSet: true,
      want: 8192,
    },
    {
      name: "the default instead of a senseless own",
      numCtx: -1,
      trained: 131_072,
      contextSize: 8192,
      isSet: false,
      want: 8192,
    },
  ]
) {
  Deno.test(`contextSizeOf() is ${name}`, () => {
    const params = numCtx === undefined ? {} : { num_ctx: numCtx };
    const setting = { contextSize, isContextSizeSet: isSet };
    equal(contextSizeOf({ params }, { contextLength: trained }, setting), want);
  });
}
