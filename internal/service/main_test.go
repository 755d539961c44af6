package service_test

import (
	"testing"

	"usher/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
