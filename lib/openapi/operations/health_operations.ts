import * as z from "zod";
import { health } from "../schema/health.ts";
import type { Operation } from "./operation.ts";

const common = { tag: "Health", method: "get", dialect: "openai" } as const;

/** What is told of the gateway itself. */
export const HEALTH_OPERATIONS: readonly Operation[] = [
  {
    ...common,
    id: "health",
    path: "/health",
    access: "public",
    summary: "Tells how the gateway is",
    answers: { 200: { description: "It runs.", bodies: [{ schema: health }] } },
  },
  {
    ...common,
    id: "metrics",
    path: "/metrics",
    summary: "Tells figures to Prometheus",
    description: "Only where metrics are switched on.",
    answers: {
      200: { description: "Prometheus' text form.", bodies: [{ schema: z.string(), type: "text/plain" }] },
    },
  },
  {
    ...common,
    id: "openapi",
    path: "/openapi.json",
    access: "public",
    summary: "This document",
    answers: { 200: { description: "OpenAPI 3.1.", bodies: [{ schema: z.looseObject({}) }] } },
  },
  {
    ...common,
    id: "docs",
    path: "/docs",
    access: "public",
    summary: "This document for people",
    answers: { 200: { description: "A page.", bodies: [{ schema: z.string(), type: "text/html" }] } },
  },
];
