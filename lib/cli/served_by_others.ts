import { GatewayError } from "../errors.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { GatewayApi } from "./gateway_api.ts";

/** What an operator's command is about, and what to say of it where only others serve the model. */
export interface Aim {
  /** A model's name, or a coordinator's id, as the person gave it. */
  readonly name: string;
  /** Such as "there is nothing to load here". */
  readonly whatElse: string;
}

/**
 * Does something with a coordinator of ours. Where there is none because others serve the model, it says who.
 *
 * @throws Whatever `act` throws, in other words if that is it.
 */
export async function withOurs<T>(
  api: Pick<GatewayApi, "listExternals">,
  aim: Aim,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof GatewayError) || !isUnknown(error)) throw error;
    const message = await sayWhoServes(api, aim);
    throw message === undefined ? error : new GatewayError(error.code, message, { cause: error });
  }
}

/** Says which coordinators of others serve a model. Never rejects. @returns `undefined` if none does, as far as the gateway tells. */
export async function sayWhoServes(
  api: Pick<GatewayApi, "listExternals">,
  { name, whatElse }: Aim,
): Promise<string | undefined> {
  const { key } = toWanted(name);
  const externals = await api.listExternals().catch(() => []);
  const urls = externals.filter(({ models }) => models.some((model) => toWanted(model).key === key))
    .map(({ url }) => url);
  if (urls.length === 0) return undefined;
  return `"${name}" is served by ${urls.join(" and ")}, which others run: ${whatElse}`;
}

function isUnknown({ code }: GatewayError): boolean {
  return code === "not_found" || code === "model_not_found";
}
