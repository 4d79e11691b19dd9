import * as z from "zod";
import {
  coordinator,
  coordinatorList,
  gatewayEvent,
  loading,
  loadWish,
  restartOfOne,
  restartWish,
  unloaded,
  unloadWish,
} from "../schema/coordinators.ts";
import { loads, plan, planQuestion } from "../schema/plans.ts";
import { decisions, route } from "../schema/routes.ts";
import {
  type Answer,
  EVENTS,
  INFERENCE_REFUSALS,
  JSON_REFUSALS,
  type Operation,
  type Parameter,
} from "./operation.ts";

const common = { tag: "Models", dialect: "openai" } as const;

const target: Parameter = {
  name: "target",
  in: "path",
  description: "The coordinator's id, or its model's name; slashes in it may stay as they are.",
  schema: z.string(),
};

const wait: Parameter = {
  name: "wait",
  in: "query",
  description: "Whether the answer comes when it is ready. Default: true.",
  schema: z.enum(["true", "false"]),
};

const limit: Parameter = {
  name: "limit",
  in: "query",
  description: "The most entries.",
  schema: z.int().min(1).max(1_000),
};

const started: Readonly<Record<number, Answer>> = {
  200: { description: "It is ready.", bodies: [{ schema: coordinator }] },
  202: { description: "It is being loaded.", bodies: [{ schema: loading }] },
};

/** Models and where they are, for operators. */
export const MODEL_OPERATIONS: readonly Operation[] = [
  {
    ...common,
    method: "get",
    id: "explainRoute",
    path: "/api/admin/route",
    summary: "Tells where a request would go now, and why",
    parameters: [
      {
        name: "model",
        in: "query",
        description: "The model's name. Default: the gateway's.",
        schema: z.string(),
      },
      {
        name: "task",
        in: "query",
        description: "What would be asked for. Default: chat.",
        schema: z.enum(["chat", "completion", "embedding", "rerank", "utility"]),
      },
      { name: "route", in: "query", description: "As the header x-sollol-route.", schema: z.string() },
    ],
    answers: { 200: { description: "The decision.", bodies: [{ schema: route }] } },
    refusals: ["invalid_request", "model_not_found"],
  },
  {
    ...common,
    method: "get",
    id: "listDecisions",
    path: "/api/admin/decisions",
    summary: "Tells where the last requests went",
    parameters: [limit, {
      name: "model",
      in: "query",
      description: "Only those for this.",
      schema: z.string(),
    }],
    answers: { 200: { description: "The newest first.", bodies: [{ schema: decisions }] } },
    refusals: ["invalid_request"],
  },
  {
    ...common,
    method: "post",
    id: "planModel",
    path: "/api/admin/plan",
    summary: "Tells what would happen if a model were loaded",
    description: "That a model does not fit is an answer, too.",
    body: { schema: planQuestion },
    answers: { 200: { description: "The plan.", bodies: [{ schema: plan }] } },
    refusals: [
      ...JSON_REFUSALS,
      "model_not_found",
      "not_found",
      "model_unusable",
      "no_capacity",
      "backend_unreachable",
    ],
  },
  {
    ...common,
    method: "get",
    id: "listLoads",
    path: "/api/admin/loads",
    summary: "Tells what models were estimated to take, and what they took",
    parameters: [limit],
    answers: { 200: { description: "The newest first.", bodies: [{ schema: loads }] } },
    refusals: ["invalid_request"],
  },
  {
    ...common,
    method: "post",
    id: "loadModel",
    path: "/api/admin/models/load",
    summary: "Loads a model over the rpc backends",
    parameters: [wait],
    body: { schema: loadWish },
    answers: started,
    refusals: INFERENCE_REFUSALS,
  },
  {
    ...common,
    method: "post",
    id: "unloadModel",
    path: "/api/admin/models/unload",
    summary: "Unloads a model",
    body: { schema: unloadWish },
    answers: {
      200: { description: "Done.", bodies: [{ schema: unloaded }] },
      202: { description: "It will be, after the requests in flight.", bodies: [{ schema: unloaded }] },
    },
    refusals: JSON_REFUSALS,
  },
  {
    ...common,
    method: "post",
    id: "restartModel",
    path: "/api/admin/models/restart",
    summary: "Loads a model anew, also one that has failed",
    parameters: [wait],
    body: { schema: restartWish },
    answers: started,
    refusals: [...INFERENCE_REFUSALS, "not_found"],
  },
  {
    ...common,
    method: "get",
    id: "listCoordinators",
    path: "/api/admin/coordinators",
    summary: "Lists our coordinators",
    answers: { 200: { description: "All of them.", bodies: [{ schema: coordinatorList }] } },
  },
  {
    ...common,
    method: "get",
    id: "getCoordinator",
    path: "/api/admin/coordinators/{target}",
    summary: "Tells of one coordinator",
    parameters: [target],
    answers: { 200: { description: "How it is.", bodies: [{ schema: coordinator }] } },
    refusals: ["not_found"],
  },
  {
    ...common,
    method: "post",
    id: "restartCoordinator",
    path: "/api/admin/coordinators/{target}/restart",
    summary: "Restarts a coordinator as soon as it is idle",
    parameters: [target, wait],
    body: { schema: restartOfOne, isOptional: true },
    answers: started,
    refusals: [...INFERENCE_REFUSALS, "not_found"],
  },
  {
    ...common,
    method: "get",
    id: "readCoordinatorLog",
    path: "/api/admin/coordinators/{target}/log",
    summary: "Gives what a coordinator has written; nothing that users write",
    parameters: [
      target,
      {
        name: "tail",
        in: "query",
        description: "The last lines. Default: 200.",
        schema: z.int().min(0).max(10_000),
      },
      {
        name: "follow",
        in: "query",
        description: "Whether lines to come are told as events. Default: false.",
        schema: z.enum(["true", "false"]),
      },
    ],
    answers: {
      200: {
        description: "Lines; or events, a line each.",
        bodies: [{ schema: z.string(), type: "text/plain" }, { schema: z.string(), type: EVENTS }],
      },
    },
    refusals: ["invalid_request", "not_found"],
  },
  {
    ...common,
    method: "get",
    id: "watchEvents",
    path: "/api/admin/events",
    summary: "Tells what happens, as it happens",
    answers: {
      200: { description: "Events, without end.", bodies: [{ schema: gatewayEvent, type: EVENTS }] },
    },
  },
];
