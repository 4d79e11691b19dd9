import * as z from "zod";
import { backendList, backendRemoval, backendView, newBackend } from "../schema/rpc_backends.ts";
import { workerLeft, workerList, workerReply, workerReport } from "../schema/workers.ts";
import { type Answer, JSON_REFUSALS, type Operation, type Parameter } from "./operation.ts";

const common = { tag: "Rpc backends", dialect: "openai" } as const;

const removal: Readonly<Record<number, Answer>> = {
  200: { description: "It is forgotten.", bodies: [{ schema: backendRemoval }] },
  202: { description: "It will be, when its coordinator has ended.", bodies: [{ schema: backendRemoval }] },
};

const worker: Parameter = {
  name: "name",
  in: "path",
  description: "As it calls itself.",
  schema: z.string(),
};

/** Rpc backends and workers. */
export const BACKEND_OPERATIONS: readonly Operation[] = [
  {
    ...common,
    method: "get",
    id: "listRpcBackends",
    path: "/api/admin/rpc-backends",
    summary: "Lists the rpc backends",
    answers: {
      200: { description: "All of them, from memory: nobody is asked.", bodies: [{ schema: backendList }] },
    },
  },
  {
    ...common,
    method: "post",
    id: "addRpcBackend",
    path: "/api/admin/rpc-backends",
    summary: "Remembers an rpc backend",
    body: { schema: newBackend },
    answers: {
      200: { description: "It was known already.", bodies: [{ schema: backendView }] },
      201: { description: "It is known now.", bodies: [{ schema: backendView }] },
    },
    refusals: [...JSON_REFUSALS, "conflict"],
  },
  {
    ...common,
    method: "delete",
    id: "removeRpcBackendByQuery",
    path: "/api/admin/rpc-backends",
    summary: "Forgets an rpc backend, named in the query",
    parameters: [{
      name: "endpoint",
      in: "query",
      isRequired: true,
      description: "host:port.",
      schema: z.string(),
    }],
    answers: removal,
    refusals: ["invalid_request", "not_found", "conflict"],
  },
  {
    ...common,
    method: "delete",
    id: "removeRpcBackend",
    path: "/api/admin/rpc-backends/{endpoint}",
    summary: "Forgets an rpc backend",
    parameters: [{ name: "endpoint", in: "path", description: "host:port.", schema: z.string() }],
    answers: removal,
    refusals: ["invalid_request", "not_found", "conflict"],
  },
  {
    ...common,
    method: "get",
    id: "listWorkers",
    path: "/api/admin/workers",
    summary: "Lists the workers",
    answers: { 200: { description: "All of them.", bodies: [{ schema: workerList }] } },
  },
  {
    ...common,
    method: "put",
    id: "reportWorker",
    path: "/api/workers/{name}",
    access: "worker",
    summary: "Takes a worker's report, which is also its joining",
    parameters: [worker],
    body: { schema: workerReport },
    answers: { 200: { description: "What it is to know.", bodies: [{ schema: workerReply }] } },
    refusals: [...JSON_REFUSALS, "no_capacity"],
  },
  {
    ...common,
    method: "delete",
    id: "removeWorker",
    path: "/api/workers/{name}",
    access: "worker",
    summary: "Takes back what a worker told of",
    parameters: [worker],
    answers: { 200: { description: "It has left.", bodies: [{ schema: workerLeft }] } },
  },
];
