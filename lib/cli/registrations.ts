import { mapConcurrently } from "../concurrent.ts";
import { GatewayError } from "../errors.ts";
import type { BackendHealth, BackendView } from "../rpc/backend.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { renderBackendTable } from "./backend_table.ts";
import type { GatewayApi, RegistrationFields } from "./gateway_api.ts";
import type { Paint } from "./terminal.ts";

/** What the gateway said when it was told of an rpc backend. */
export interface Registration {
  /** `host:port`. */
  readonly endpoint: string;
  /** Whether the gateway knows it now. */
  readonly isRegistered: boolean;
  /** How it is; `undefined` if it was refused. */
  readonly health: BackendHealth | undefined;
  /** One sentence: why it is so, or why it was refused. */
  readonly reason: string;
  /** Whether it can be used, or is used by the gateway already. */
  readonly isUsable: boolean;
}

/** Refusals of one backend; anything else, such as a wrong key, would be said of each of them. */
const OWN_REFUSALS: readonly string[] = ["invalid_request", "conflict", "not_found", "no_capacity"];

/** Each waits for a verdict. */
const CONCURRENCY = 8;

/** Registers backends; those that the gateway refuses do not hinder the others. @throws {GatewayError} If none can be. */
export async function registerAll(
  api: GatewayApi,
  endpoints: readonly Endpoint[],
  fields: RegistrationFields = {},
): Promise<Registration[]> {
  return await mapConcurrently(endpoints, CONCURRENCY, async (endpoint) => {
    try {
      return registrationOf(await api.addBackend(endpoint, fields));
    } catch (error) {
      if (!(error instanceof GatewayError) || !OWN_REFUSALS.includes(error.code)) throw error;
      return {
        endpoint: formatEndpoint(endpoint),
        isRegistered: false,
        health: undefined,
        reason: error.message,
        isUsable: false,
      };
    }
  });
}

/** For scripts. */
export function registrationToJson(
  { endpoint, isRegistered, health, reason }: Registration,
): Record<string, unknown> {
  return { endpoint, isRegistered, health, reason };
}

/** For a person: a table, and a sentence for each. */
export function renderRegistrations(registrations: readonly Registration[], paint: Paint): string {
  const rows = registrations.map((registration) => ({
    cells: [
      registration.endpoint,
      registration.health ?? "-",
      registration.isRegistered ? "registered" : "refused",
    ],
    health: registration.health ?? "down" as const,
    remarks: [registration.reason, ...adviceFor(registration)],
  }));
  const columns = [{ title: "RPC BACKEND" }, { title: "HEALTH" }, { title: "OUTCOME" }];
  return renderBackendTable(columns, rows, paint);
}

function registrationOf({ endpoint, health, reason, holder }: BackendView): Registration {
  const isUsable = health === "up" || holder !== undefined;
  return { endpoint, isRegistered: true, health, reason, isUsable };
}

function adviceFor({ endpoint, isRegistered, isUsable }: Registration): string[] {
  return isRegistered && !isUsable
    ? [`${endpoint} stays registered: the gateway uses it as soon as it can`]
    : [];
}
