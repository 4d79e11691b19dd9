import { mapConcurrently } from "../concurrent.ts";
import type { Config } from "../config/config.ts";
import { formatEndpoint } from "../rpc/endpoint.ts";
import { type BackendVisit, visitBackend } from "./backend_visit.ts";
import type { Check } from "./check.ts";
import { judgeBackend } from "./check_backend.ts";
import { examineExposure, remoteExposure } from "./check_exposure.ts";
import { judgeLink, judgeNetwork, type KnownLink } from "./check_link.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import type { Facts } from "./facts.ts";
import { skip } from "./finding.ts";
import { isOnLoopback, type KnownBackend, knownBackends } from "./known_backends.ts";
import { lateChecks } from "./late_checks.ts";

const group = "rpc backends";
/** More would measure each other. */
const VISITS_AT_ONCE = 16;
/** For a probe, a measurement, and others that are visited before. */
const DEADLINE_MS = 6_500;

/** Whether rpc backends can be used, how far away they are, and who else may use them. */
export async function backendChecks(
  config: Config,
  world: DoctorWorld,
  facts: Facts,
): Promise<readonly Check[]> {
  return await lateChecks({ name: "backend", group, find: () => findChecks(config, world, facts) }, world);
}

async function findChecks(config: Config, world: DoctorWorld, facts: Facts): Promise<readonly Check[]> {
  const { machine } = world;
  const [said, stored] = await Promise.all([facts.testimony(), facts.state()]);
  const known = knownBackends({
    configured: config.rpcBackends,
    stored: stored.backends,
    views: said.kind === "told" ? said.backends : [],
  });
  const here: Check = { name: "exposure", group, examine: (signal) => examineExposure(machine, signal) };
  if (known.length === 0) return [NONE, here];
  const endpoints = known.map(({ endpoint }) => formatEndpoint(endpoint));
  const visits = visitAll(known, config, world, facts);
  const linkOf = async (at: number): Promise<KnownLink> => ({
    endpoint: endpoints[at]!,
    measured: (await visits[at]!).link,
    learnedBytesPerSecond: stored.bytesPerSecond(endpoints[at]!),
  });
  const remote = endpoints.filter((endpoint) => !isOnLoopback(endpoint));
  const elsewhere: Check = {
    name: "remote-exposure",
    group,
    examine: () => Promise.resolve(remoteExposure(remote)),
  };
  const { reserveBytes } = config.rpc;
  return [
    ...known.map((backend, at): Check => ({
      name: "backend",
      group,
      subject: endpoints[at],
      deadlineMs: DEADLINE_MS,
      examine: async () => judgeBackend(backend, await visits[at]!, { reserveBytes }),
    })),
    ...known.map((_backend, at): Check => ({
      name: "link",
      group,
      subject: endpoints[at],
      deadlineMs: DEADLINE_MS,
      examine: async () => judgeLink(await linkOf(at)),
    })),
    {
      name: "network",
      group,
      deadlineMs: DEADLINE_MS,
      examine: async () => {
        const links = await Promise.all(known.map((_backend, at) => linkOf(at)));
        const models = await facts.models().catch(() => undefined); // told by the check of the models
        return judgeNetwork(links, models?.largest);
      },
    },
    here,
    ...(remote.length === 0 ? [] : [elsewhere]),
  ];
}

const NONE: Check = {
  name: "backend",
  group,
  examine: () => Promise.resolve(skip("none is known here; sollol worker on another machine brings one")),
};

/** A visit of each, begun now. None is an unhandled rejection. */
function visitAll(
  known: readonly KnownBackend[],
  config: Config,
  { probe, measure, clock, signal }: DoctorWorld,
  facts: Facts,
): Promise<BackendVisit>[] {
  const visits = known.map(() => Promise.withResolvers<BackendVisit>());
  const visit = async (backend: KnownBackend, at: number) => {
    try {
      const wantVersion = (await facts.ownVersion())?.protocol;
      const timeoutMs = config.timeouts.probeMs;
      visits[at]!.resolve(
        await visitBackend(backend, { probe, measure, wantVersion, timeoutMs, clock, signal }),
      );
    } catch (error) {
      visits[at]!.reject(error);
    }
  };
  for (const { promise } of visits) promise.catch(() => {}); // one that nobody waits for any more
  void mapConcurrently([...known.entries()], VISITS_AT_ONCE, ([at, backend]) => visit(backend, at));
  return visits.map(({ promise }) => promise);
}
