-- Where the server has no lz4, compressing texts with what it has takes longer than all the rest of storing them: they stay as they are.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
		ALTER TABLE "items" ALTER COLUMN "line" SET STORAGE EXTERNAL;
		ALTER TABLE "outcomes" ALTER COLUMN "answer" SET STORAGE EXTERNAL;
		ALTER TABLE "outcomes" ALTER COLUMN "raw" SET STORAGE EXTERNAL;
		ALTER TABLE "attempts" ALTER COLUMN "answer" SET STORAGE EXTERNAL;
		ALTER TABLE "attempts" ALTER COLUMN "raw" SET STORAGE EXTERNAL;
	END IF;
END
$$;
