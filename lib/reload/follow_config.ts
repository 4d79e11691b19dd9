import { ConfigReload, type ConfigReloadParts } from "./config_reload.ts";
import { FileWatch } from "./file_watch.ts";

/** What {@linkcode followConfig} works with. */
export interface FollowConfigOptions extends ConfigReloadParts {
  /** The config file; `undefined`: there was none, and no file is watched. */
  readonly path: string | undefined;
  /** Calls its listener at each SIGHUP, until disposal. */
  readonly onReload: (listener: () => void) => Disposable;
}

/** Has the config read again at each SIGHUP and each change of its file, until disposal. Waits for no reading. */
export async function followConfig(options: FollowConfigOptions): Promise<AsyncDisposable> {
  const { path, onReload } = options;
  await using owned = new AsyncDisposableStack();
  const reload = owned.use(new ConfigReload(options));
  owned.use(onReload(() => reload.request("SIGHUP")));
  if (path !== undefined) {
    owned.use(
      await FileWatch.start({
        path,
        onChange: () => reload.request("its file changed"),
      }),
    );
  }
  return owned.move();
}
