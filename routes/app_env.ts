/** What middleware leaves for handlers. */
export interface AppEnv {
  Variables: {
    /** The id of this request, in every log line and answer about it. */
    requestId: string;
    /** Set when somebody else writes this request's line in the log. */
    isRecorded?: boolean;
  };
}
