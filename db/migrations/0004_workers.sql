CREATE TABLE "workers" (
	"id" text NOT NULL,
	"provider" text NOT NULL,
	"simulated" boolean NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "workers_id_provider_simulated_pk" PRIMARY KEY("id","provider","simulated")
);
