INSERT INTO site_bounds VALUES('harbour','secrets',1);
INSERT INTO halts VALUES('8f24f25153ccd97c43fe42e579adcc71','yard','the picture is gone',1800000000);
