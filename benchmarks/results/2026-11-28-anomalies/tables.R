# Writes DIR/NAME-rows.csv: numeric columns and, last, `odd`, 1 where the row is of the class to be found.
#
#     Rscript tables.R DIR
#
# Debian's r-cran-mlbench, -kernlab, -modeldata, -mclust, -ddalpha, -rrcov, -ks, -gclus, -dslabs. Rows with missing values are left out.
dir <- commandArgs(TRUE)[1]
of <- function(package, name, file = name) { e <- new.env(); data(list = file, package = package, envir = e); as.data.frame(get(name, e)) }
save <- function(name, x, odd) {
  x <- x[sapply(x, is.numeric)]
  whole <- complete.cases(x)
  write.csv(cbind(x, odd = as.integer(odd))[whole, ], file.path(dir, paste0(name, "-rows.csv")), row.names = FALSE, quote = FALSE)
}
last <- function(x, odd) list(x = x[-ncol(x)], odd = x[[ncol(x)]] == odd)
rarer <- function(v) v == names(which.min(table(v)))

x <- of("mlbench", "Vehicle"); save("vehicle", x, x$Class == "van")
x <- of("mlbench", "Vowel"); save("vowel", x, x$Class == "hid")
x <- of("mlbench", "PimaIndiansDiabetes"); save("pima", x, rarer(x$diabetes))
x <- of("mlbench", "BreastCancer"); save("wbc", as.data.frame(lapply(x[2:10], as.numeric)), rarer(x$Class))
x <- of("kernlab", "ticdata"); save("insurance", as.data.frame(lapply(x[!names(x) %in% c("STYPE", "MOSHOOFD", "CARAVAN")], as.numeric)), rarer(x$CARAVAN))
x <- of("modeldata", "cells"); save("cells", x, rarer(x$class))
x <- of("modeldata", "mlc_churn"); save("calls", x, rarer(x$churn))
x <- of("modeldata", "wa_churn"); save("subscribers", x, rarer(x$churn))
x <- of("modeldata", "lending_club"); save("loans", x, rarer(x$Class))
x <- of("modeldata", "credit_data"); save("credit", x, rarer(x$Status))
x <- of("modeldata", "attrition"); save("attrition", x, rarer(x$Attrition))
x <- of("modeldata", "hpc_data"); save("jobs", x, rarer(x$class))
a <- of("mclust", "GvHD.control", "GvHD"); b <- of("mclust", "GvHD.pos", "GvHD"); save("gvhd", rbind(a, b), rep(0:1, c(nrow(a), nrow(b))))
for (name in c("bloodtransfusion", "vertebral_column", "bupa", "indian_liver_patient_1vs2", "segmentation")) {
  x <- of("ddalpha", name); save(sub("_.*", "", name), x[-ncol(x)], rarer(x[[ncol(x)]]))
}
x <- of("rrcov", "fruit"); save("fruit", x, rarer(x$cultivar))
x <- of("ks", "cardio"); x <- x[x$NSP != 2, ]; save("cardio", x[1:21], x$NSP == 3)
x <- of("ks", "hsct"); save("cytometry", x[1:4], rarer(x$label))
x <- of("gclus", "body"); save("body", x[1:24], rarer(x$Gender))
x <- of("dslabs", "olive"); save("olive", x, rarer(x$region))
x <- of("modeldata", "penguins"); save("penguins", x, rarer(x$species))
