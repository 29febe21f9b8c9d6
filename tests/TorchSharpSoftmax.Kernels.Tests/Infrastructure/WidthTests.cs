namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Which widths there are, and what the environment variable makes of them.</summary>
public sealed class WidthTests
{
    [Fact]
    public void The_widths_are_those_that_this_process_has()
    {
        Assert.Equal(Widths.Runnable, Widths.Cap is null ? Isa.AvailableBits : [Isa.Bits]);
        Assert.Equal(Widths.Runnable[0], Isa.Bits);
        foreach (string line in Widths.Missing)
        {
            TestContext.Current.TestOutputHelper!.WriteLine(line);
        }
    }

    [Theory]
    [InlineData("512")]
    [InlineData("256")]
    [InlineData("128")]
    [InlineData("0")]
    [InlineData("")]
    public void The_environment_variable_is_the_widest_that_runs(string value)
    {
        (int exitCode, string output) = ChildProcess.Run(["widths"], (Widths.Variable, value));
        Assert.Equal(ChildProcess.Done, exitCode);
        int cap = value.Length == 0 ? 512 : int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
        Assert.EndsWith($"default {Isa.AvailableBits.First(bits => bits <= cap)}", output.TrimEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("300")]
    [InlineData("wide")]
    [InlineData("-1")]
    public void A_width_that_there_is_not_is_refused_by_name(string value)
    {
        (int exitCode, string output) = ChildProcess.Run(["widths"], (Widths.Variable, value), ("DOTNET_DbgEnableMiniDump", "0"));
        Assert.NotEqual(ChildProcess.Done, exitCode);
        Assert.Contains($"'{value}'", output, StringComparison.Ordinal);
        Assert.Contains(Widths.Variable, output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_forced_width_holds_until_it_is_given_back_and_on_its_thread_only()
    {
        int before = Isa.Bits;
        using (Isa.Force(0))
        {
            Assert.Equal(0, Isa.Bits);
            int elsewhere = -1;
            var other = new Thread(() => elsewhere = Isa.Bits);
            other.Start();
            other.Join();
            Assert.Equal(before, elsewhere);
        }

        Assert.Equal(before, Isa.Bits);
        Assert.Throws<ArgumentException>(() => Isa.Force(64));
    }
}
