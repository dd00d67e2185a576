-- lz4 compresses prompts several times faster than the default; a server built without it keeps the default.
DO $$
BEGIN
	ALTER TABLE "items" ALTER COLUMN "line" SET COMPRESSION lz4;
	ALTER TABLE "outcomes" ALTER COLUMN "answer" SET COMPRESSION lz4;
	ALTER TABLE "outcomes" ALTER COLUMN "raw" SET COMPRESSION lz4;
	ALTER TABLE "attempts" ALTER COLUMN "answer" SET COMPRESSION lz4;
	ALTER TABLE "attempts" ALTER COLUMN "raw" SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
	RAISE NOTICE 'this server has no lz4; texts keep the default compression';
END
$$;
