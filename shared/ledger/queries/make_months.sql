-- Make the months that are missing, three ahead; how many were made.
select make_months()
