using System.ComponentModel;
using System.Diagnostics;

namespace TorchSharpSoftmax.Examples;

/// <summary>Draws a picture with gnuplot, when the machine has it.</summary>
public static class Gnuplot
{
    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string script, string picture)
    {
        var start = new ProcessStartInfo("gnuplot", "-") { RedirectStandardInput = true, RedirectStandardError = true };
        try
        {
            using Process gnuplot = Process.Start(start)!;
            Task<string> errors = gnuplot.StandardError.ReadToEndAsync();
            gnuplot.StandardInput.Write(script);
            gnuplot.StandardInput.Close();
            gnuplot.WaitForExit();
            return gnuplot.ExitCode == 0 && File.Exists(picture) ? null : $"gnuplot failed: {errors.Result.Trim()}";
        }
        catch (Win32Exception)
        {
            return "gnuplot is not installed";
        }
        catch (IOException e)
        {
            return $"gnuplot ended early: {e.Message}";
        }
    }

    /// <summary>A text as a gnuplot string.</summary>
    public static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}
