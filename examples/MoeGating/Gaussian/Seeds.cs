namespace MoeGating;

/// <summary>Each data set has a seed of its own, so that none depends on which were drawn before it.</summary>
internal static class Seeds
{
    public static long Of(int n, int repetition) => (1_000_003L * repetition) + n;
}
