/** The time it is for the database, in milliseconds since 1970 UTC: one clock for all who share it. */
export const databaseTime = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";
