import * as z from "zod";
import { newNode, nodeList, nodeRemoval, nodeSummaryList, nodeView } from "../schema/nodes.ts";
import { type Answer, JSON_REFUSALS, type Operation } from "./operation.ts";

const common = { tag: "Nodes", dialect: "openai" } as const;
const removed: Answer = { description: "It is forgotten.", bodies: [{ schema: nodeRemoval }] };

/** Ollama nodes, for operators. */
export const NODE_OPERATIONS: readonly Operation[] = [
  {
    ...common,
    method: "get",
    id: "listNodes",
    path: "/api/admin/nodes",
    summary: "Lists the Ollama nodes",
    parameters: [{
      name: "models",
      in: "query",
      description: "false: without all that they hold. Default: true.",
      schema: z.enum(["true", "false"]),
    }],
    answers: {
      200: {
        description: "All of them, from memory: nobody is asked.",
        bodies: [{ schema: z.union([nodeSummaryList, nodeList]) }],
      },
    },
  },
  {
    ...common,
    method: "post",
    id: "addNode",
    path: "/api/admin/nodes",
    summary: "Remembers an Ollama node",
    body: { schema: newNode },
    answers: {
      200: { description: "It was known already.", bodies: [{ schema: nodeView }] },
      201: { description: "It is known now.", bodies: [{ schema: nodeView }] },
    },
    refusals: [...JSON_REFUSALS, "conflict"],
  },
  {
    ...common,
    method: "delete",
    id: "removeNodeByQuery",
    path: "/api/admin/nodes",
    summary: "Forgets an Ollama node whose URL fits into no path",
    parameters: [{
      name: "node",
      in: "query",
      isRequired: true,
      description: "Its name or URL.",
      schema: z.string(),
    }],
    answers: { 200: removed },
    refusals: ["not_found", "conflict"],
  },
  {
    ...common,
    method: "delete",
    id: "removeNode",
    path: "/api/admin/nodes/{node}",
    summary: "Forgets an Ollama node",
    parameters: [{ name: "node", in: "path", description: "Its name or URL.", schema: z.string() }],
    answers: { 200: removed },
    refusals: ["not_found", "conflict"],
  },
];
